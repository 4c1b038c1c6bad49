"""From many photographs to one table, in bounded memory, resumable."""
