# packer build -var registry=harbor.example.com -var package=docker-credential-harbor_VERSION_amd64.deb packer.pkr.hcl
variable "registry" {}
variable "package" {}

# Put your own here, whatever it builds; its shell has to be root's.
source "docker" "workstation" {
  image  = "debian:12"
  commit = true
}

build {
  sources = ["source.docker.workstation"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/docker-credential-harbor.deb"
  }

  # More than the registry's name (issuer, client_id, ca_file, …): another "file" before this, for
  # /etc/xdg/docker-credential-harbor/config.toml, which setup keeps.
  provisioner "shell" {
    inline = [
      "dpkg --install /tmp/docker-credential-harbor.deb && rm /tmp/docker-credential-harbor.deb",
      "docker-credential-harbor setup --system '${var.registry}'",
    ]
  }
}
