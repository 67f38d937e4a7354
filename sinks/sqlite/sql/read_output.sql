SELECT name, length, begun_at, sequence FROM output;
