"""PostgreSQL: connections, migrations, loads, publications."""
