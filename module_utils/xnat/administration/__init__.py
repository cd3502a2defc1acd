"""What administrators do to a site: its settings, its accounts, its DICOM receivers, and what is known of it."""
