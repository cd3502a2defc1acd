"""Make the tree importable the way Ansible sees it: module_utils/xnat is ansible.module_utils.xnat."""

from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).parent.parent

# Ansible joins module_utils/ from ansible.cfg to its own package when it ships a module; tests join it the same way,
# so that `import xnat` stays free for the third-party client of that name.
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
