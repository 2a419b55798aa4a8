#include "server/api/history.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/server/api/api_site.hpp"

using namespace server;
namespace record = storage::record;
using test::ApiSite;
using test::column;
using test::has;

namespace {

constexpr std::int64_t at = 1'005'000;  // 00:16:45

record::Transfer transfer(const std::string& file, std::int64_t ended = at,
                          const std::string& outcome = "whole", const std::string& client = "192.0.2.7") {
  record::Transfer made;
  made.started = ended - 1000, made.ended = ended;
  made.client = client, made.protocol = "tftp", made.file = file;
  made.size = 1000, made.bytes = 1000;
  made.outcome = outcome, made.cause = outcome == "whole" ? "complete" : "client_error";
  return made;
}

record::Miss miss(const std::string& asked, std::int64_t last_at = at) {
  record::Miss made;
  made.last_at = made.first_at = last_at;
  made.client = "192.0.2.7", made.protocol = "tftp", made.cause = "NOT_FOUND", made.asked = asked;
  made.text = "it is not there";
  return made;
}

using Texts = std::vector<std::string>;

Texts paths(ApiSite& site, const std::string& query) {
  return column(site.get("history/transfers", query), "path");
}

http::Reply csv(ApiSite& site, const std::string& list, const std::string& query = "") {
  return site.ask({.method = "GET", .path = "/api/v1/history/" + list, .query = query, .accept = "text/csv"});
}

}  // namespace

TEST_CASE("a list is given in pages, the newest first, and each row once though all have one time") {
  ApiSite site;
  site.write_history(
      {transfer("/a/1"), transfer("/a/2"), transfer("/a/3"), transfer("/a/4"), transfer("/a/5")});
  Texts all, sizes;
  std::string query = "limit=2";
  for (int page = 0; page < 3; ++page) {
    const auto reply = site.get("history/transfers", query);
    for (auto& path : column(reply, "path")) all.push_back(std::move(path));
    const auto next = test::json(reply)["next"];
    REQUIRE(next.IsNull() == (page == 2));
    if (!next.IsNull()) query = "limit=2&after=" + next.as<std::string>();
  }
  CHECK(all == Texts{"/a/5", "/a/4", "/a/3", "/a/2", "/a/1"});
  CHECK(test::json(site.get("history/transfers", "limit=5"))["next"].IsNull());
}

TEST_CASE("each list goes on where the page before ended") {
  ApiSite site;
  site.write_history(
      {miss("/a/1", at), miss("/a/2", at + 1), record::Login{at, "192.0.2.7", "ewc", "key", "accepted"},
       record::Login{at, "192.0.2.8", "ops", "key", "accepted"}, record::Import{at, "a.zip", "published", ""},
       record::Import{at, "b.zip", "published", ""}, record::Act{at, "maria", "promote", "/EWC/1", "done"},
       record::Act{at, "maria", "promote", "/EWC/2", "done"}});
  struct Row {
    const char *list, *member, *newest, *oldest;
  };
  const Row rows[] = {{"misses", "asked", "/a/2", "/a/1"},
                      {"logins", "user", "ops", "ewc"},
                      {"imports", "file", "b.zip", "a.zip"},
                      {"acts", "subject", "/EWC/2", "/EWC/1"}};
  for (const auto& row : rows) {
    CAPTURE(row.list);
    const auto list = std::string("history/") + row.list;
    const auto first = site.get(list, "limit=1");
    CHECK(column(first, row.member) == Texts{row.newest});
    const auto second = site.get(list, "limit=1&after=" + test::json(first)["next"].as<std::string>(""));
    CHECK(column(second, row.member) == Texts{row.oldest});
    CHECK(test::json(second)["next"].IsNull());
  }
}

TEST_CASE("a time from which is in the list, and one until which is not") {
  ApiSite site;
  site.write_history({transfer("/a/1", at - 1000), transfer("/a/2", at), transfer("/a/3", at + 1000)});
  CHECK(paths(site, "since=1970-01-01T00:16:45") == Texts{"/a/3", "/a/2"});
  CHECK(paths(site, "until=1970-01-01T00:16:45") == Texts{"/a/1"});
  CHECK(paths(site, "since=1970-01-01T00:16:44&until=1970-01-01T00%3A16%3A46") == Texts{"/a/2", "/a/1"});
  CHECK(paths(site, "since=1d") == Texts{});
  CHECK(paths(site, "until=1d").size() == 3);
}

TEST_CASE("a transfer is found by what it is asked for") {
  ApiSite site;
  site.write_history({transfer("/EWC/17_9_4a/ap1g8"), transfer("/EWC/17_9_4ab/ap1g8", at + 1, "broke_off"),
                      transfer("/EWC/17_9_4a/ap1g7", at + 2, "whole", "192.0.2.70")});
  struct Row {
    const char* query;
    Texts found;
  };
  const Row rows[] = {{"release=/EWC/17_9_4a", {"/EWC/17_9_4a/ap1g7", "/EWC/17_9_4a/ap1g8"}},
                      {"release=%2FEWC%2F17_9_4a%2F%2F", {"/EWC/17_9_4a/ap1g7", "/EWC/17_9_4a/ap1g8"}},
                      {"release=/EWC/17_9_4a/&file=ap1g8", {"/EWC/17_9_4a/ap1g8"}},
                      {"file=ap1g8", {"/EWC/17_9_4ab/ap1g8", "/EWC/17_9_4a/ap1g8"}},
                      {"file=p1g8", {}},
                      {"client=192.0.2.7", {"/EWC/17_9_4ab/ap1g8", "/EWC/17_9_4a/ap1g8"}},
                      {"client=192.0.2.70", {"/EWC/17_9_4a/ap1g7"}},
                      {"result=broke_off", {"/EWC/17_9_4ab/ap1g8"}},
                      {"cause=client_error", {"/EWC/17_9_4ab/ap1g8"}},
                      {"q=AP1G7", {"/EWC/17_9_4a/ap1g7"}},
                      {"q=2.70", {"/EWC/17_9_4a/ap1g7"}},
                      {"client=%1b[2J", {}},
                      {"q='%20OR%201=1", {}}};
  for (const auto& row : rows) {
    CAPTURE(row.query);
    CHECK(paths(site, row.query) == row.found);
  }
}

TEST_CASE("what a list cannot be asked for is refused, and not left out") {
  struct Row {
    const char *list, *query, *detail;
  };
  const Row rows[] = {
      {"holders", "after=1.2", "after is not a parameter here; there are: client, release, file"},
      {"holders", "result=whole", "result is not a parameter here"},
      {"misses", "result=x", "result is not a parameter here"},
      {"logins", "file=a", "file is not a parameter here"},
      {"imports", "client=192.0.2.7", "client is not a parameter here"},
      {"acts", "client=192.0.2.7",
       "client is not a parameter here; there are: since, until, q, limit, after"},
      {"transfers", "result=x", "result=x: it is one of whole, partly, broke_off"},
      {"transfers", "result=WHOLE", "result=WHOLE: it is one of whole, partly, broke_off"},
      {"transfers", "limit=0", "limit=0: it is a number from 1 to 1000"},
      {"transfers", "limit=1001", "limit=1001: it is a number from 1 to 1000"},
      {"transfers", "since=yesterday", "since=yesterday: it is a span such as 30m"},
      {"transfers", "until=30s", "until=30s: it is a span such as 30m"},
      {"transfers", "after=7", "after is the `next` of the answer before"},
      {"transfers", "after=x.1", "after is the `next` of the answer before"},
      {"transfers", "after=1.", "after is the `next` of the answer before"},
      {"transfers", "after=1.2.3", "after is the `next` of the answer before"},
      {"transfers", "after=1.99999999999999999999", "after is the `next` of the answer before"}};
  ApiSite site;
  for (const auto& row : rows) {
    CAPTURE(row.query);
    const auto reply = site.get(std::string("history/") + row.list, row.query);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, row.detail));
  }
  const auto other = site.get("history/passwords");
  CHECK(other.status == 404);
  CHECK(has(other.body, "passwords is not a list of the history"));
  CHECK(has(other.body, "transfers, holders, misses, logins, imports and acts are"));
}

TEST_CASE("a list of comma-separated values has a line for its columns, and nothing that a table would run") {
  ApiSite site;
  auto broken = transfer("/EWC/17_9_4a/ap1g8", at, "broke_off");
  broken.protocol = "sftp", broken.user = "=cmd", broken.bytes = 220, broken.detail = "No \"space\", says it";
  auto upload = transfer("/uploads/a.cfg", at + 1000);
  upload.upload = true, upload.size.reset(), upload.resent = 3;
  site.write_history({broken, upload});
  const auto reply = csv(site, "transfers");
  CHECK(reply.type == "text/csv; charset=utf-8");
  CHECK(reply.body ==
        "ended_at,started_at,client,protocol,user,direction,path,size,bytes,outcome,cause,detail,resent\r\n"
        "1970-01-01T00:16:46Z,1970-01-01T00:16:45Z,192.0.2.7,tftp,,write,/uploads/"
        "a.cfg,,1000,whole,complete,,3\r\n"
        "1970-01-01T00:16:45Z,1970-01-01T00:16:44Z,192.0.2.7,sftp,'=cmd,read,/EWC/17_9_4a/ap1g8,1000,220,"
        "broke_off,client_error,\"No \"\"space\"\", says it\",\r\n");
}

TEST_CASE("each list of comma-separated values has as many columns in its rows as in its first line") {
  ApiSite site;
  site.write_history(
      {transfer("/a/1"), miss("/a/1"), record::Login{at, "192.0.2.7", "ewc", "key", "accepted"},
       record::Import{at, "a.zip", "published", "x"}, record::Act{at, "maria", "promote", "/EWC/1", "done"}});
  struct Row {
    const char *list, *lines;
  };
  const Row rows[] = {
      {"holders",
       "last_at,first_at,client,path,times\r\n1970-01-01T00:16:45Z,1970-01-01T00:16:45Z,192.0.2.7,/a/"
       "1,1\r\n"},
      {"misses",
       "last_at,first_at,client,protocol,cause,asked,text,count\r\n"
       "1970-01-01T00:16:45Z,1970-01-01T00:16:45Z,192.0.2.7,tftp,NOT_FOUND,/a/1,it is not there,1\r\n"},
      {"logins",
       "at,client,user,method,outcome,count\r\n1970-01-01T00:16:45Z,192.0.2.7,ewc,key,accepted,1\r\n"},
      {"imports", "at,file,outcome,detail\r\n1970-01-01T00:16:45Z,a.zip,published,x\r\n"},
      {"acts", "at,who,act,subject,outcome\r\n1970-01-01T00:16:45Z,maria,promote,/EWC/1,done\r\n"}};
  for (const auto& row : rows) {
    CAPTURE(row.list);
    CHECK(csv(site, row.list).body == row.lines);
  }
  CHECK(csv(site, "transfers", "limit=10000").status == 200);
  CHECK(csv(site, "transfers", "limit=10001").status == 400);
}

TEST_CASE("a list of comma-separated values ends after 4 MiB, and says where it goes on") {
  ApiSite site;
  std::vector<storage::Record> rows;
  for (int i = 0; i < 5000; ++i) {
    auto made = transfer("/a/1", at + i);
    made.detail = std::string(1000, 'x');
    rows.emplace_back(std::move(made));
  }
  site.write_history(rows);
  std::ptrdiff_t lines = 0;
  std::string query = "limit=10000";
  for (const bool last : {false, true}) {
    const auto reply = csv(site, "transfers", query);
    CHECK(reply.status == 200);
    CHECK(reply.body.size() < (4 << 20) + 2000);
    lines += std::ranges::count(reply.body, '\n') - 1;
    const auto next = test::header(reply, "Next");
    CHECK(next.empty() == last);
    query = "limit=10000&after=" + next;
  }
  CHECK(lines == 5000);
  CHECK(test::header(csv(site, "transfers", "limit=2"), "Next") != "");
}

TEST_CASE("without a history the lists are empty, and a damaged one is said to be that") {
  ApiSite site;
  CHECK(site.get("history/transfers").body == "{\"items\":[],\"next\":null}\n");
  CHECK(site.get("history/acts").body == "{\"items\":[],\"next\":null}\n");
  site.dir.write("state/history.db", std::string(4096, 'x'));
  const auto reply = site.get("history/transfers");
  CHECK(reply.status == 503);
  CHECK(has(reply.body, "state/history.db is damaged"));
}

TEST_CASE("a history that its writer has only just made is empty, and not a fault") {
  ApiSite site;
  site.dir.write("state/history.db", "");
  CHECK(site.get("history/misses").body == "{\"items\":[],\"next\":null}\n");
}
