"""HTTP as it is used here."""
