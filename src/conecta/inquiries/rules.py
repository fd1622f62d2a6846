"""What an inquiry may become; no SQL, no HTTP."""

STATUSES = ("new", "converted", "closed", "spam")
SOURCES = ("api", "page", "widget", "website")
