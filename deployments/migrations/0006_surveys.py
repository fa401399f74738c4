from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0005_members_invited_and_tokens_with_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='Survey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=32, unique=True)),
                ('taken_at', models.DateTimeField()),
                ('seconds', models.FloatField(default=0, help_text='How long counting took.')),
                ('found', models.JSONField(default=dict)),
            ],
        ),
    ]
