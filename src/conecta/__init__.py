"""Conecta: the back office of a professional-services firm behind one public REST API."""

__version__ = "0.1.0"
