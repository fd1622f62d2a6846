"""The firm on the web: publishable keys, inquiries, reviews, public booking page.

Never edited once landed.
"""

from alembic import op

revision = "0017_firm_on_the_web"
down_revision = "0016_booking_messages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _public_sites()
    _publishable_keys()
    _inquiries()
    _reviews()


def _public_sites() -> None:
    op.execute("""CREATE TABLE public_sites (
    tenant_id TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    active BOOLEAN NOT NULL,
    intro TEXT,
    privacy_url TEXT,
    shows_reviews BOOLEAN NOT NULL,
    asks_for_reviews BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_public_sites PRIMARY KEY (tenant_id),
    CONSTRAINT fk_public_sites_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_public_sites_slug_formed CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')
)""")
    op.execute("""CREATE UNIQUE INDEX uq_public_sites_slug ON public_sites (slug)""")
    op.execute("""alter table public_sites enable row level security""")
    op.execute(
        """create policy tenant on public_sites to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on public_sites as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"""
    )
    op.execute("""create policy system on public_sites to conecta_system using (true) with check (true)""")
    op.execute("""grant select, insert, update on public_sites to conecta_app""")
    op.execute("""grant select, insert, update, delete on public_sites to conecta_system""")


def _publishable_keys() -> None:
    op.execute("""CREATE TABLE publishable_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    origins TEXT[] COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C",
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_publishable_keys PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_publishable_keys_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_publishable_keys_origins_named CHECK (cardinality(origins) > 0)
)""")
    op.execute(
        """CREATE INDEX ix_publishable_keys_tenant_id_created_at_id ON publishable_keys (tenant_id, created_at, id)"""
    )
    op.execute("""CREATE UNIQUE INDEX uq_publishable_keys_key ON publishable_keys (key)""")
    op.execute("""alter table publishable_keys enable row level security""")
    op.execute(
        """create policy tenant on publishable_keys to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on publishable_keys as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"""
    )
    op.execute(
        """create policy system on publishable_keys to conecta_system using (true) with check (true)"""
    )
    op.execute("""grant select, insert, update on publishable_keys to conecta_app""")
    op.execute("""grant select, insert, update, delete on publishable_keys to conecta_system""")


def _inquiries() -> None:
    op.execute("""CREATE TABLE inquiries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    subject TEXT,
    message TEXT NOT NULL,
    language TEXT NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    page_url TEXT,
    custom_fields JSONB NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    privacy_accepted_at TIMESTAMP WITH TIME ZONE,
    client_id TEXT COLLATE "C",
    case_id TEXT COLLATE "C",
    converted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_inquiries PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_inquiries_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_inquiries_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT fk_inquiries_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id),
    CONSTRAINT ck_inquiries_status_known CHECK (status in ('new', 'converted', 'closed', 'spam')),
    CONSTRAINT ck_inquiries_source_known CHECK (source in ('api', 'page', 'widget', 'website')),
    CONSTRAINT ck_inquiries_answerable CHECK (email is not null or phone is not null),
    CONSTRAINT ck_inquiries_converted_dated CHECK ((status = 'converted') = (converted_at is not null)),
    CONSTRAINT ck_inquiries_converted_into CHECK (status <> 'converted' or client_id is not null)
)""")
    op.execute(
        """CREATE INDEX ix_inquiries_tenant_id_status_created_at_id ON inquiries (tenant_id, status, created_at, id)"""
    )
    op.execute("""CREATE INDEX ix_inquiries_tenant_id_client_id ON inquiries (tenant_id, client_id)""")
    op.execute("""CREATE INDEX ix_inquiries_tenant_id_case_id ON inquiries (tenant_id, case_id)""")
    op.execute(
        """CREATE INDEX ix_inquiries_tenant_id_created_at_id ON inquiries (tenant_id, created_at, id)"""
    )
    op.execute("""alter table inquiries enable row level security""")
    op.execute(
        """create policy tenant on inquiries to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on inquiries as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"""
    )
    op.execute("""create policy system on inquiries to conecta_system using (true) with check (true)""")
    op.execute("""grant select, insert, update on inquiries to conecta_app""")
    op.execute("""grant select, insert, update, delete on inquiries to conecta_system""")


def _reviews() -> None:
    op.execute("""CREATE TABLE reviews (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C",
    booking_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    rating INTEGER,
    comment TEXT,
    author_name TEXT,
    link_hash BYTEA NOT NULL,
    link_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE,
    moderated_at TIMESTAMP WITH TIME ZONE,
    moderated_by TEXT,
    reply TEXT,
    replied_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_reviews PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_reviews_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_reviews_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT fk_reviews_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id),
    CONSTRAINT fk_reviews_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
    CONSTRAINT ck_reviews_status_known CHECK (status in ('requested', 'pending', 'published', 'rejected')),
    CONSTRAINT ck_reviews_rating_of_five CHECK (rating between 1 and 5),
    CONSTRAINT ck_reviews_rated_when_written CHECK ((status = 'requested') = (rating is null)),
    CONSTRAINT ck_reviews_written_dated CHECK ((rating is null) = (submitted_at is null)),
    CONSTRAINT ck_reviews_reply_dated CHECK ((reply is null) = (replied_at is null))
)""")
    op.execute("""CREATE INDEX ix_reviews_tenant_id_case_id ON reviews (tenant_id, case_id)""")
    op.execute("""CREATE INDEX ix_reviews_tenant_id_created_at_id ON reviews (tenant_id, created_at, id)""")
    op.execute("""CREATE INDEX ix_reviews_tenant_id_client_id ON reviews (tenant_id, client_id)""")
    op.execute(
        """CREATE INDEX ix_reviews_published ON reviews (tenant_id, submitted_at, id) WHERE status = 'published'"""
    )
    op.execute("""CREATE INDEX ix_reviews_tenant_id_booking_id ON reviews (tenant_id, booking_id)""")
    op.execute("""CREATE UNIQUE INDEX uq_reviews_link_hash ON reviews (link_hash)""")
    op.execute("""alter table reviews enable row level security""")
    op.execute(
        """create policy tenant on reviews to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on reviews as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"""
    )
    op.execute("""create policy system on reviews to conecta_system using (true) with check (true)""")
    op.execute("""grant select, insert, update on reviews to conecta_app""")
    op.execute("""grant select, insert, update, delete on reviews to conecta_system""")
