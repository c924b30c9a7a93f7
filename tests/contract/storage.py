"""What the tests of storage share."""
import contextlib

from helpers import unique_name


@contextlib.contextmanager
def new_pool(client, driver='dir', config=None):
    """Create a storage pool, and delete it after with all that is in it."""
    pool = client.storage_pools.create(unique_name(), driver, config)
    try:
        yield pool
    finally:
        if client.has_api_extension('storage_buckets'):
            for bucket in pool.buckets.all():
                bucket.delete()
        for volume in pool.volumes.all('custom', all_projects=True):
            for snapshot in volume.snapshots.all():
                snapshot.delete(wait=True)
            volume.delete()
        pool.delete()
