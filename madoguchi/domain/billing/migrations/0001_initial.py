import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contracts', '0002_contract_by_wall'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField(null=True)),
                ('part', models.SmallIntegerField()),
                ('unit', models.CharField(max_length=10)),
                ('first', models.DateField()),
                ('last', models.DateField()),
                ('state', models.CharField(choices=[('draft', '下書き'), ('issued', '発行済み'), ('received', '市が受理'), ('overdue', '支払期限超過'), ('paid', '入金済み'), ('withdrawn', '取り下げ')], default='draft', max_length=9)),
                ('prices', models.CharField(max_length=5)),
                ('net', models.BigIntegerField()),
                ('tax', models.BigIntegerField()),
                ('total', models.BigIntegerField()),
                ('evidence', models.CharField(blank=True, max_length=200)),
                ('inspected_on', models.DateField(null=True)),
                ('prepared_at', models.DateTimeField()),
                ('prepared_by', models.CharField(max_length=80)),
                ('issued_on', models.DateField(null=True)),
                ('content', models.JSONField(null=True)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('received_on', models.DateField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('paid_on', models.DateField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('withdrawn_because', models.CharField(blank=True, max_length=200)),
                ('contract', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contracts.contract')),
                ('corrects', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.invoice')),
            ],
            options={
                'ordering': ['first', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.SmallIntegerField()),
                ('code', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('quantity', models.DecimalField(decimal_places=1, max_digits=7)),
                ('unit', models.CharField(max_length=6)),
                ('unit_price', models.BigIntegerField()),
                ('amount', models.BigIntegerField()),
                ('rate', models.DecimalField(decimal_places=3, max_digits=4)),
                ('contract', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contracts.contract')),
                ('invoice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='billing.invoice')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='Expenditure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('spent_on', models.DateField()),
                ('kind', models.CharField(choices=[('wages', '人件費'), ('training', '研修費'), ('lines', '通信・回線費'), ('equipment', '機器・備品費'), ('supplies', '消耗品費'), ('rent', '賃借料'), ('travel', '旅費・交通費'), ('outsourced', '再委託費'), ('other', 'その他')], max_length=10)),
                ('payee', models.CharField(max_length=120)),
                ('amount', models.BigIntegerField()),
                ('tax', models.BigIntegerField()),
                ('evidence', models.CharField(max_length=80)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('kept_until', models.DateField()),
                ('entered_at', models.DateTimeField()),
                ('entered_by', models.CharField(max_length=80)),
                ('contract', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contracts.contract')),
                ('reverses', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.expenditure')),
            ],
            options={
                'ordering': ['spent_on', 'pk'],
                'indexes': [models.Index(fields=['contract', 'spent_on'], name='expenditure_by_day')],
                'constraints': [models.UniqueConstraint(fields=('contract', 'reverses'), name='expenditure_reversed_once', violation_error_message='この行は、すでに取り消されています。'), models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', 0), ('reverses', None), ('tax__gte', 0), ('tax__lte', models.F('amount'))), models.Q(('amount__lt', 0), ('reverses__isnull', False), ('tax__gte', models.F('amount')), ('tax__lte', 0)), _connector='OR'), name='expenditure_amounts', violation_error_message='金額と消費税額が合いません。')],
            },
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['contract', 'first'], name='invoice_by_period'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('contract', 'number'), name='invoice_number_once', violation_error_message='この請求番号は、すでに使われています。'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'withdrawn'), _negated=True), fields=('contract', 'part'), name='invoice_of_a_period', violation_error_message='この期間の請求書は、すでにあります。'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('total', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax'))), models.Q(('number', None), ('number__gte', 1), _connector='OR')), name='invoice_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('content', None), ('issued_on', None), ('number', None), ('sha256', '')), models.Q(('content__isnull', False), ('issued_on__isnull', False), ('number__isnull', False), models.Q(('sha256', ''), _negated=True)), _connector='OR'), name='invoice_issued_whole'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('number', None), ('state', 'draft')), models.Q(('number__isnull', False), ('received_on', None), ('state', 'issued')), models.Q(('due_on__isnull', False), ('number__isnull', False), ('paid_on', None), ('received_on__isnull', False), ('state__in', ('received', 'overdue'))), models.Q(('number__isnull', False), ('paid_on__isnull', False), ('state', 'paid')), models.Q(('paid_on', None), ('state', 'withdrawn'), ('withdrawn_at__isnull', False), models.Q(('withdrawn_because', ''), _negated=True)), _connector='OR'), name='invoice_state', violation_error_message='請求書の状態と内容が合いません。'),
        ),
        migrations.AddConstraint(
            model_name='invoiceline',
            constraint=models.UniqueConstraint(fields=('contract', 'invoice', 'position'), name='invoice_line_once'),
        ),
    ]
