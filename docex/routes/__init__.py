"""The doors of documents: lists, forms, the pages of own and received documents with their acts, papers."""

from docex.routes import lists, own, papers, received, writing
from docex.routes.files import file_response, log_opening, pdf_response
from docex.routes.pages import Errors, document_page, incoming_page, on_document, on_incoming, routes, tell

__all__ = [
    "Errors",
    "document_page",
    "file_response",
    "incoming_page",
    "lists",
    "log_opening",
    "on_document",
    "on_incoming",
    "own",
    "papers",
    "pdf_response",
    "received",
    "routes",
    "tell",
    "writing",
]
