"""The mesh in a terminal, to be gone through: tabs, tables that scroll, from 80 by 24 on."""
