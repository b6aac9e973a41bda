"""A coverage report as files: CSV, workbook and a PDF to be signed. The same report gives the same bytes, anywhere, any day."""
