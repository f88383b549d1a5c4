from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = Path(__file__).resolve().parent.parent / "sql" / "functions.sql"


def mark_what_is_there(apps, schema_editor):
    """Listen to the facts first, then mark the days of those that exist: none can slip in between."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FUNCTIONS.read_text())
        for pk in apps.get_model("contracts", "Contract").objects.values_list("pk", flat=True):
            cursor.execute("select set_config('madoguchi.contract', %s, true)", [str(pk)])
            cursor.execute(
                "insert into worklog_touchedday(contract_id, day)"
                " select distinct contract_id, (at at time zone 'Asia/Tokyo')::date from worklog_fact where contract_id = %s", [pk]
            )


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0002_contract_by_wall"),
        ("worklog", "0002_contract_by_wall"),
    ]

    operations = [
        migrations.CreateModel(
            name="TouchedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("contract", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="contracts.contract")),
            ],
            options={"indexes": [models.Index(fields=["contract", "day"], name="touched_by_day")]},
        ),
        migrations.RunPython(mark_what_is_there, migrations.RunPython.noop),
    ]
