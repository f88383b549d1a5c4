import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contracts", "0002_contract_by_wall"), ("booking", "0007_field_retention")]

    operations = [
        migrations.CreateModel(
            name="NoticeCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("index", models.BinaryField(max_length=16)),
                ("expires_on", models.DateField()),
                (
                    "contract",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("contract", "index"), name="notice_card_once")],
                "indexes": [models.Index(fields=["contract", "expires_on"], name="notice_card_by_day")],
            },
        ),
    ]
