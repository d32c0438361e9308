"""Tables that people upload, as text or as a workbook, read as headings and rows: ``portal.tables.reading``.

The process that reads workbooks imports this package too, and has no use for Django: so it imports nothing.
"""
