module example.com/toolchain

go 1.25.0

toolchain go1.26.1
