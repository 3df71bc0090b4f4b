"""``python -m authz_service.cli`` is ``authz``; the supervisor of workers starts them so."""

import sys

from authz_service.cli import main

if __name__ == "__main__":
    sys.exit(main())
