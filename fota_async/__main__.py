"""`python -m fota_async` is `fota`."""

import sys

from fota_async.cli import main

sys.exit(main())
