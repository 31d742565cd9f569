module auth.example/scripts/precis-vectors

go 1.26.0

// golang.org/x/text carries Unicode 17, which is Node 24's, only for Go 1.27 and later; 1.26 would answer with Unicode 15.
toolchain go1.27.4

require golang.org/x/text v0.43.0
