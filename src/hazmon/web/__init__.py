"""The control room's page: its sources (`ui/`), its built bundle (`static/`) and how one becomes the other."""
