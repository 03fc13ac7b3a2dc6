module example.com/shop.app/v2

go 1.25
