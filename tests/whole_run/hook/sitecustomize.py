"""Makes every Python process of a test run note what it issues and write down what it says: see ``whole_run``.

Python imports this at its start where the folder is on its path, which `whole_run.plugin` sees to.
"""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if "KEEP_WHOLE_RUN" in os.environ:
    spec = spec_from_file_location("whole_run_noting", Path(__file__).parent.parent / "noting.py")
    if spec and spec.loader:
        noting = module_from_spec(spec)
        sys.modules[spec.name] = noting
        spec.loader.exec_module(noting)
        noting.begin(os.environ["KEEP_WHOLE_RUN"])
