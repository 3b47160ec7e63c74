"""Make Superset ready: its metadata's tables, its roles, and the one user. May be run again at any time.

Superset's own commands would load it three times (``db upgrade``, ``init``, ``fab create-admin``), and the
last takes the password on its command line, where every user of the machine could read it. The password
comes from the environment: SUPERSET_ADMIN_PASSWORD.
"""

import os
import sys

USER = "klimatpuls"
ADDRESS = "klimatpuls@klimatpuls.invalid"


def main() -> int:
    """Bring metadata, roles and user up to date; returns the exit code."""
    os.umask(0o077)
    from flask_migrate import upgrade
    from superset.app import create_app

    with create_app().app_context():
        from superset import appbuilder, db, security_manager

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        password = os.environ["SUPERSET_ADMIN_PASSWORD"]
        user = security_manager.find_user(username=USER)
        if user is None:
            admin = security_manager.find_role(security_manager.auth_role_admin)
            user = security_manager.add_user(USER, "Klimatpuls", "BI", ADDRESS, admin, password)
        else:
            security_manager.reset_password(user.id, password)
        db.session.commit()
    return 0 if user else 1


if __name__ == "__main__":
    sys.exit(main())
