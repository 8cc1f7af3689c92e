"""The only room that knows Airflow: connections become opened edges, our errors become task states."""
