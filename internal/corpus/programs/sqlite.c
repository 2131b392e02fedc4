// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program around SQLite: a table in memory, an index, a transaction, queries with
// joins, aggregates, sorting and text functions, an integrity check. What it prints
// depends on nothing but the library.

#include <stdio.h>
#include <stdlib.h>

#include "sqlite3-binding.h"

static int row(void *unused, int n, char **values, char **names) {
  (void)unused;
  for (int i = 0; i < n; i++)
    printf("%s%s=%s", i ? " " : "", names[i], values[i] ? values[i] : "NULL");
  putchar('\n');
  return 0;
}

static void run(sqlite3 *db, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(db, sql, row, NULL, &message) != SQLITE_OK) {
    fprintf(stderr, "%s: %s\n", sql, message);
    exit(1);
  }
}

int main(void) {
  sqlite3 *db;
  if (sqlite3_open(":memory:", &db) != SQLITE_OK)
    return 1;
  run(db, "create table module(id integer primary key, name text, size integer)");
  run(db, "create table import(source integer references module, target integer)");
  run(db, "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)"
          " insert into module select i, printf('m%04d.o', i), (i * 7919) % 10007 from n");
  run(db, "insert into import select id, (id * 31) % 5000 + 1 from module where id % 3 = 0");
  run(db, "create index by_size on module(size)");
  run(db, "begin; update module set size = size + 1 where name like '%7.o'; commit");
  run(db, "select count(*), sum(size), max(name), round(avg(size), 3) from module");
  run(db, "select m.name, t.name as imports, m.size from module m join import i on i.source = m.id"
          " join module t on t.id = i.target where m.size > 9990 order by m.size desc, m.name limit 8");
  run(db, "select substr(name, 5, 1) as digit, count(*), group_concat(distinct size % 3) from module"
          " group by digit having digit in ('1', '2') order by digit");
  run(db, "pragma integrity_check");
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
