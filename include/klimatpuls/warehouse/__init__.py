"""The PostgreSQL warehouse: connections, migrations, loading, releases and publications."""
