module example.com/rootmain

go 1.25
