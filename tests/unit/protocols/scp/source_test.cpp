#include "protocols/scp/source.hpp"

#include <doctest/doctest.h>

#include "tests/unit/protocols/scp/files.hpp"

using namespace scp;
using namespace std::string_literals;

namespace {

const auto ok = "\0"s;

std::string told(const std::vector<Event>& events) {
  std::string all;
  for (const auto& one : events) {
    if (const auto* open = std::get_if<event::Opened>(&one)) all += "open " + open->name;
    if (const auto* close = std::get_if<event::Closed>(&one)) {
      all += "close " + close->name + " " + std::to_string(close->read) + (close->forced ? " forced" : "");
    }
    if (const auto* failed = std::get_if<event::Failed>(&one)) {
      all += (failed->by_client ? "client " : "failed ") + failed->name + ": " + failed->text;
    }
    all += '\n';
  }
  return all;
}

struct Server {
  ScpFiles files;
  std::optional<Source> session;

  Server() {
    files.add_file("/small", "hello");
    files.add_file("/empty", "", 0100600);
    files.add_directory("/d");
    files.add_file("/d/a", "A");
    files.add_directory("/d/sub", 040700);
    files.add_file("/d/sub/b", "B");
    files.add_other("/pipe");
  }
  void start(const std::string& arguments) {
    auto command = parse_command("scp " + arguments);
    REQUIRE(command);
    session.emplace(std::move(*command));
    CHECK(said() == "");
  }
  std::string said(std::string_view input = {}) { return scp_said(*session, files, input); }
  std::string told() { return ::told(session->take_events()); }
  void ended(int status) {
    CHECK(session->finished());
    CHECK(session->exit_status() == status);
    CHECK(session->idle());
    CHECK(files.open() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Server, "a file is sent between the client's answers") {
  start("-f small");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK_FALSE(session->idle());
  CHECK(said(ok) == "hello\0"s);
  CHECK_FALSE(session->finished());
  CHECK(said(ok) == "");
  ended(0);
  CHECK(told() == "open small\nclose small 5\n");
}

TEST_CASE_FIXTURE(Server, "an empty file") {
  start("-f /empty");
  CHECK(said(ok + ok) == "C0600 0 empty\n\0"s);
  CHECK(said(ok) == "");
  ended(0);
}

TEST_CASE_FIXTURE(Server, "with -p the times come first") {
  start("-pf small");
  CHECK(said(ok) == "T1700000000 0 1700000001 0\n");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK(said(ok) == "hello\0"s);
  CHECK(said(ok) == "");
  ended(0);
}

TEST_CASE_FIXTURE(Server, "a time before 1970 is sent as 1970") {
  files.nodes["/small"].attributes.modified = -5;
  start("-pf small");
  CHECK(said(ok) == "T0 0 1700000001 0\n");
}

TEST_CASE_FIXTURE(Server, "several files, and what fails between them") {
  start("-f small nosuch d pipe empty a:b");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK(said(ok + ok) ==
        "hello\0\1scp: nosuch: No such file or directory\n\1scp: d: not a regular file\n"
        "\1scp: pipe: not a regular file\nC0600 0 empty\n"s);
  CHECK(said(ok + ok) == "\0\1scp: a:b: No such file or directory\n"s);
  ended(1);
  CHECK(
      told() ==
      "open small\nclose small 5\nfailed nosuch: No such file or directory\nfailed d: not a regular file\n"
      "failed pipe: not a regular file\nopen empty\nclose empty 0\nfailed a:b: No such file or directory\n");
}

TEST_CASE_FIXTURE(Server, "the name sent is the last component") {
  for (const auto* name : {"/d/sub/b", "d//sub/./b", "d/sub/b/", "d/sub/x/../b"}) {
    start("-f "s + name);
    CHECK(said(ok) == "C0644 1 b\n");
    session.reset();
    files.perform(CloseOpen{0});
  }
}

TEST_CASE_FIXTURE(Server, "a directory with -r") {
  start("-rf d/");
  CHECK(session->idle());
  CHECK(said(ok) == "D0755 0 d\n");
  CHECK_FALSE(session->idle());
  CHECK(said(ok) == "C0644 1 a\n");
  CHECK(said(ok) == "A\0"s);
  CHECK(said(ok) == "D0700 0 sub\n");
  CHECK(said(ok) == "C0644 1 b\n");
  CHECK(said(ok) == "B\0"s);
  CHECK(said(ok) == "E\n");
  CHECK(said(ok) == "E\n");
  CHECK(said(ok) == "");
  ended(0);
  CHECK(told() == "open d/a\nclose d/a 1\nopen d/sub/b\nclose d/sub/b 1\n");
}

TEST_CASE_FIXTURE(Server, "a directory with its times") {
  start("-prf d/sub");
  CHECK(said(ok) == "T1700000000 0 1700000001 0\n");
  CHECK(said(ok) == "D0700 0 sub\n");
  CHECK(said(ok) == "T1700000000 0 1700000001 0\n");
  CHECK(said(ok) == "C0644 1 b\n");
}

TEST_CASE_FIXTURE(Server, "a directory that the client does not want is skipped") {
  start("-prf d/sub small");
  CHECK(said(ok) == "T1700000000 0 1700000001 0\n");
  CHECK(said("\1no\n") == "T1700000000 0 1700000001 0\n");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK(told() == "client d/sub: no\nopen small\n");
  start("-rf d/sub");
  CHECK(said(ok) == "D0700 0 sub\n");
  CHECK(said("\1no\n") == "");
  CHECK(session->finished());
  CHECK(session->exit_status() == 1);
}

TEST_CASE_FIXTURE(Server, "the root is sent under a name that a client takes") {
  start("-rf /");
  CHECK(said(ok) == "D0755 0 images\n");
  CHECK(said(ok) == "D0755 0 d\n");
  start("-rf .");
  CHECK(said(ok) == "D0755 0 images\n");
}

TEST_CASE_FIXTURE(Server, "a folder with more entries than are read at once") {
  files.add_directory("/many");
  std::string answers(400, '\0');
  for (int i = 0; i < 100; ++i) files.add_file("/many/" + std::to_string(i), "");
  start("-rf many");
  const auto all = said(answers);
  CHECK(std::ranges::count(all, 'C') == 100);
  CHECK(all.ends_with("E\n"));
  ended(0);
}

TEST_CASE_FIXTURE(Server, "a link to a folder above ends") {
  auto link = files.nodes["/d"];
  link.attributes.kind = storage::Kind::link;
  files.nodes["/d/loop"] = link;
  files.on_operation = [&](const Operation& operation) -> std::optional<Answer> {
    const auto* examine = std::get_if<Examine>(&operation);
    if (!examine || examine->path.name() != "loop") return {};
    CHECK(examine->links == storage::Links::follow);
    return files.nodes["/d"].attributes;
  };
  start("-rf d");
  CHECK(said(ok + ok + ok + ok) ==
        "D0755 0 d\nC0644 1 a\nA\0\1scp: d/loop: Too many levels of symbolic links\nD0700 0 sub\n"s);
}

TEST_CASE_FIXTURE(Server, "folders that are too deep are skipped") {
  std::string path;
  for (int i = 0; i < 70; ++i) files.add_directory(path += "/x");
  start("-rf x");
  const auto all = said(std::string(200, '\0'));
  CHECK(std::ranges::count(all, 'D') == 64);
  CHECK(std::ranges::count(all, 'E') == 64);
  CHECK(all.find("/x/x: File name too long\n") != std::string::npos);
  ended(1);
}

TEST_CASE_FIXTURE(Server, "names that no path can hold, and control characters in names") {
  files.add_file("/d/a:b", "x");
  files.add_file("/d/new\nline", "x");
  start("-rf d");
  CHECK(said(std::string(4, '\0')) ==
        "D0755 0 d\nC0644 1 a\nA\0\1scp: d/a:b: Invalid argument\nC0644 1 new\\^Jline\n"s);
  start("-f 'no\nsuch\x7f\xc3\xa9'");
  CHECK(said(ok) == "\1scp: no\\^Jsuch\\^?\xc3\xa9: No such file or directory\n");
}

TEST_CASE_FIXTURE(Server, "a pattern is expanded, sorted") {
  files.add_file("/.hidden", "x");
  start("-f ?m*");
  CHECK(said(std::string(6, '\0')) == "C0600 0 empty\n\0C0644 5 small\nhello\0"s);
  CHECK(said(ok) == "");
  ended(0);
  CHECK(told() == "open empty\nclose empty 0\nopen small\nclose small 5\n");
  start("-f /d/s*/* d/a*");
  CHECK(said(ok) == "\1scp: /d/s*/*: No such file or directory\nC0644 1 a\n");
}

TEST_CASE_FIXTURE(Server, "a pattern below a folder keeps it in its names") {
  start("-f d/s*");
  CHECK(said(ok) == "\1scp: d/sub: not a regular file\n");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a pattern without a match is a name") {
  start("-f x*");
  CHECK(said(ok) == "\1scp: x*: No such file or directory\n");
  ended(1);
  start("-f nosuch/x*");
  CHECK(said(ok) == "\1scp: nosuch/x*: No such file or directory\n");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a pattern with too many matches") {
  for (int i = 0; i < 300; ++i) files.add_file("/" + std::to_string(1000 + i) + std::string(240, 'x'), "");
  start("-f 1*");
  CHECK(said(ok) == "\1scp: 1*: Argument list too long\n");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "the client skips a file") {
  start("-pf small empty");
  CHECK(said(ok) == "T1700000000 0 1700000001 0\n");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK(said("\1scp: small: Permission denied\n") == "T1700000000 0 1700000001 0\n");
  CHECK(said("\1no times\n") == "");
  ended(1);
  CHECK(told() ==
        "open small\nclient small: scp: small: Permission denied\nclose small 0\nopen empty\n"
        "client empty: no times\nclose empty 0\n");
}

TEST_CASE_FIXTURE(Server, "an error behind the data is counted") {
  start("-f small empty");
  CHECK(said(ok + ok) == "C0644 5 small\nhello\0"s);
  CHECK(said("\1disk full\n") == "C0600 0 empty\n");
  CHECK(said(ok + ok) == ok);
  ended(1);
}

TEST_CASE_FIXTURE(Server, "an error in the place of the first answer is counted, as by OpenSSH") {
  start("-f small");
  CHECK(said("\1hm\n" + ok + ok) == "C0644 5 small\nhello\0"s);
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a fatal error ends it") {
  start("-f small empty");
  CHECK(said(ok) == "C0644 5 small\n");
  CHECK(said("\2bye\n") == "");
  CHECK(session->finished());
  CHECK(session->exit_status() == 1);
  while (session->close_next()) {
  }
  CHECK(told() == "open small\nclient small: bye\nclose small 0 forced\n");
  CHECK(session->idle());
}

TEST_CASE_FIXTURE(Server, "what is no answer ends it") {
  start("-f small");
  CHECK(said("GET /") == "\1scp: protocol error: expected an answer\n");
  CHECK(session->finished());
  CHECK(session->exit_status() == 1);
  start("-f small");
  CHECK(said("\1" + std::string(2048, 'x')) == "\1scp: protocol error: expected an answer\n");
  CHECK(session->finished());
}

TEST_CASE_FIXTURE(Server, "the client's end before it has answered") {
  start("-f small");
  session->eof();
  CHECK(said() == "");
  ended(1);
  start("-f small");
  session->eof();
  CHECK(said(ok + ok + ok) == "C0644 5 small\nhello\0"s);  // a script's answers, ahead of what they answer
  ended(0);
  start("-f small");
  CHECK(said(ok + "\1no") == "C0644 5 small\n");
  session->eof();
  CHECK(said() == "");
  CHECK(session->exit_status() == 1);
}

TEST_CASE_FIXTURE(Server, "answers of more bytes than anybody has to say") {
  start("-f small");
  CHECK(said(std::string(65 << 10, '\0')) == "TOO MUCH");
}

TEST_CASE_FIXTURE(Server, "a file that became shorter is padded, and then an error") {
  files.nodes["/small"].attributes.size = 300 << 10;
  start("-f small empty");
  CHECK(said(ok) == "C0644 307200 small\n");
  const auto data = said(ok);
  CHECK(data == "hello" + std::string((300 << 10) - 5, '\0') + "\1scp: small: Input/output error\n");
  CHECK(said(ok) == "C0600 0 empty\n");
  CHECK(said(ok + ok) == ok);
  ended(1);
}

TEST_CASE_FIXTURE(Server, "so is one that cannot be read on") {
  files.on_operation = [](const Operation& operation) -> std::optional<Answer> {
    if (!std::holds_alternative<ReadOpen>(operation)) return {};
    return std::make_error_code(std::errc::permission_denied);
  };
  start("-f small");
  CHECK(said(ok + ok) == "C0644 5 small\n\0\0\0\0\0\1scp: small: Permission denied\n"s);
  CHECK(said(ok) == "");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "what cannot be opened or looked at") {
  files.on_operation = [](const Operation& operation) -> std::optional<Answer> {
    if (std::holds_alternative<ExamineOpen>(operation)) return std::make_error_code(std::errc::io_error);
    if (std::holds_alternative<OpenDirectory>(operation)) {
      return std::make_error_code(std::errc::permission_denied);
    }
    return {};
  };
  start("-rf small d");
  CHECK(said(ok) == "\1scp: small: Input/output error\n\1scp: d: Permission denied\n");
  ended(1);
  files.on_operation = [](const Operation& operation) -> std::optional<Answer> {
    if (std::holds_alternative<OpenToRead>(operation))
      return std::make_error_code(std::errc::permission_denied);
    if (std::holds_alternative<ReadDirectory>(operation)) return std::make_error_code(std::errc::io_error);
    return {};
  };
  start("-rf small d");
  CHECK(said(ok) == "\1scp: small: Permission denied\nD0755 0 d\n");
  CHECK(said(ok) == "\1scp: d: Input/output error\nE\n");
  CHECK(said(ok) == "");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a large file comes in pieces, and never with more than half a megabyte waiting") {
  const auto content = [] {
    std::string text(3'000'001, 'x');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 3);
    return text;
  }();
  files.add_file("/large", content);
  start("-f large");
  CHECK(said(ok) == "C0644 3000001 large\n");
  REQUIRE(session->feed(std::as_bytes(std::span(ok))));
  std::string got;
  while (got.size() < content.size() + 1) {
    while (const auto operation = session->poll()) {
      if (const auto* read = std::get_if<ReadOpen>(&*operation)) CHECK(read->into.size() <= 256 << 10);
      session->done(files.perform(*operation));
      REQUIRE(session->output().size() <= 512 << 10);
    }
    REQUIRE(session->output().size() > 0);
    const auto some =
        session->output().bytes().first(std::min<std::size_t>(session->output().size(), 100'000));
    got.append(reinterpret_cast<const char*>(some.data()), some.size());
    session->output().consume(some.size());
  }
  CHECK(got == content + '\0');
  CHECK(said(ok) == "");
  ended(0);
}

TEST_CASE_FIXTURE(Server, "a read of fewer bytes than asked is gone on with") {
  files.on_operation = [this](const Operation& operation) -> std::optional<Answer> {
    const auto* read = std::get_if<ReadOpen>(&operation);
    if (!read || read->into.size() < 3) return {};
    auto some = *read;
    some.into = some.into.first(2);
    files.on_operation = nullptr;
    return files.perform(some);
  };
  start("-f small");
  CHECK(said(ok + ok) == "C0644 5 small\nhello\0"s);
}

TEST_CASE_FIXTURE(Server, "the answers a byte at a time, and an error in pieces") {
  start("-f small empty");
  CHECK(said(ok) == "C0644 5 small\n");
  for (const char c : "\1scp: no"s) CHECK(said({&c, 1}) == "");
  CHECK(said("\n") == "C0600 0 empty\n");
}

TEST_CASE_FIXTURE(Server, "the channel ends while a file is sent") {
  start("-f small");
  CHECK(said(ok) == "C0644 5 small\n");
  while (session->close_next()) {
  }
  CHECK(told() == "open small\nclose small 0 forced\n");
}

TEST_CASE_FIXTURE(Server, "a client that is told of very long names is not flooded") {
  start("-f " + std::string(4000, 'x'));
  const auto line = said(ok);
  CHECK(line.size() < 2000);
  CHECK(line.ends_with("xxx...: File name too long\n"));
}

TEST_CASE_FIXTURE(Server,
                  "a file that is not there is a miss, and nothing is sent to a client that has gone") {
  start("-f small");
  CHECK(session->misses(Examine{storage::Path::parse("/small").value(), storage::Links::follow}));
  CHECK_FALSE(session->outlives_client());
  CHECK_FALSE(session->exit_status());
}
