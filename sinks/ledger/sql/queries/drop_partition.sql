drop table fraudstream.{partition};
