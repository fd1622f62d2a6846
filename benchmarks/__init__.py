"""`make bench`: the product beside its bare limit, in one run on one machine."""
