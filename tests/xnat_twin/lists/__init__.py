"""Many objects as a table: columns, filters, pages, forms."""
