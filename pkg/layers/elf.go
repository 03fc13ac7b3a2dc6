package layers

// elfMagic begins every ELF file.
const elfMagic = "\x7fELF"
