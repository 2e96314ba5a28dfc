"""The URLs below ``/admin/api``, one file for each kind of thing."""
