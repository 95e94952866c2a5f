"""Wire format of Qianfan V1, for private deployments that still offer it."""
