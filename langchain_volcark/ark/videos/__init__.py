"""Video generation on Ark (Seedance): https://www.volcengine.com/docs/82379/1520757."""
