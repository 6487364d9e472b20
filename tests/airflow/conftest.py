import sys
from pathlib import Path

#: Airflow puts its plugins folder there.
sys.path.insert(0, str(Path(__file__).parents[2] / "deploy" / "airflow" / "plugins"))
