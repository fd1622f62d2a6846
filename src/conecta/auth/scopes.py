"""The eleven scopes of the seed (§2.3), and `admin`, which no OAuth application is ever granted."""

from enum import StrEnum

from conecta.kit.language import Text


class Scope(StrEnum):
    """What a credential may do; the value is the word on the wire."""

    CASES_READ = "read:cases"
    CASES_WRITE = "write:cases"
    CLIENTS_READ = "read:clients"
    CLIENTS_WRITE = "write:clients"
    BOOKINGS_READ = "read:bookings"
    BOOKINGS_WRITE = "write:bookings"
    INVOICES_READ = "read:invoices"
    INVOICES_WRITE = "write:invoices"
    DOCUMENTS_READ = "read:documents"
    DOCUMENTS_WRITE = "write:documents"
    WEBHOOKS = "webhooks"
    ADMIN = "admin"


SENTENCES: dict[Scope, Text] = {
    Scope.CASES_READ: Text("Leer expedientes y su actividad", "Read cases and their activity"),
    Scope.CASES_WRITE: Text(
        "Crear y modificar expedientes y sus notas", "Create and change cases and their notes"
    ),
    Scope.CLIENTS_READ: Text("Leer los datos de los clientes", "Read the clients' data"),
    Scope.CLIENTS_WRITE: Text("Crear y modificar clientes", "Create and change clients"),
    Scope.BOOKINGS_READ: Text("Leer citas y disponibilidad", "Read bookings and availability"),
    Scope.BOOKINGS_WRITE: Text("Crear, mover y cancelar citas", "Create, move and cancel bookings"),
    Scope.INVOICES_READ: Text("Leer facturas y cobros", "Read invoices and payments"),
    Scope.INVOICES_WRITE: Text("Crear y modificar facturas", "Create and change invoices"),
    Scope.DOCUMENTS_READ: Text("Leer y descargar documentos", "Read and download documents"),
    Scope.DOCUMENTS_WRITE: Text("Subir documentos", "Upload documents"),
    Scope.WEBHOOKS: Text("Gestionar webhooks y leer eventos", "Manage webhooks and read events"),
    Scope.ADMIN: Text(
        "Administrar la firma: claves, usuarios y ajustes", "Administer the firm: keys, users and settings"
    ),
}

SEED_SCOPES = tuple(scope for scope in Scope if scope is not Scope.ADMIN)
