from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Facts are put right by their record; without the index that reads all facts of the contract."""

    atomic = False
    dependencies = [("worklog", "0003_touched_days")]

    operations = [
        AddIndexConcurrently(model_name="fact", index=models.Index(fields=["contract", "ref"], name="fact_by_ref")),
    ]
