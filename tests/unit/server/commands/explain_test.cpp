#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
namespace fs = std::filesystem;
using test::has;

namespace {

constexpr auto ewc8 = "/EWC/17_9_4a/ap1g8";

struct Asked : test::Site {
  Asked() {
    put("EWC/17_9_4a/ap1g8");
    put("EWC/17_9_4a/ap1g7");
    put("notes.txt");
  }
  test::Ran explain(std::vector<std::string> words) const { return run(explain_command, std::move(words)); }
  YAML::Node json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    return YAML::Load(explain(std::move(words)).out);
  }
};

}  // namespace

TEST_CASE(
    "what is served is told with its path, with the rule that found it, and with the models it is for") {
  const Asked asked;
  struct Row {
    const char *path, *said;
  };
  for (const auto& [path, said] :
       {Row{"/EWC/17_9_4a/ap1g8", "served /EWC/17_9_4a/ap1g8 (exact)\nap1g8 is for C9105\n"},
        Row{"EWC\\17_9_4a\\ap1g8", "served /EWC/17_9_4a/ap1g8 (slashes)\nap1g8 is for C9105\n"},
        Row{"/ewc/17_9_4a/AP1G8", "served /EWC/17_9_4a/ap1g8 (case)\nap1g8 is for C9105\n"},
        Row{"/EWC/17.09.04a/ap1g7", "served /EWC/17_9_4a/ap1g7 (version)\nap1g7 is for C9115, C9120\n"},
        Row{"ap1g7", "served /EWC/17_9_4a/ap1g7 (only_release)\nap1g7 is for C9115, C9120\n"},
        Row{"notes.txt", "served /notes.txt (exact)\n"}}) {
    const auto ran = asked.explain({path});
    CHECK(ran.status == 0);
    CHECK(ran.out == said);
    CHECK(ran.err.empty());
  }
}

TEST_CASE("what is not served is told with its cause, its fix and the models of what was meant") {
  const Asked asked;
  auto ran = asked.explain({"/Wrong/ap1g7"});
  CHECK(ran.status == 1);
  CHECK(ran.mistake.empty());
  CHECK(
      ran.out ==
      "miss WRONG_DIRECTORY: /Wrong does not exist; ap1g7 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a\n"
      "ap1g7 is for C9115, C9120\n");
  ran = asked.explain({"/EWC/17_9_4a/aplg8"});
  CHECK(ran.out.starts_with("miss LOOKALIKE: "));
  CHECK(ran.out.ends_with("ap1g8 is for C9105\n"));
  ran = asked.explain({"/EWC/17_9_4a/ap1g2"});
  CHECK(ran.out.ends_with("\nap1g2 is for 1600\n"));
  ran = asked.explain({"/none.txt"});
  CHECK(ran.out.starts_with("miss NOT_FOUND: "));
  CHECK(test::lines_in(ran.out).size() == 1);
}

TEST_CASE("the protocol decides what a path means and which line fixes it") {
  const Asked asked;
  CHECK(has(asked.explain({"/Wrong/ap1g7", "--protocol", "sftp"}).out, "sftp-image-path /EWC/17_9_4a"));
  CHECK_FALSE(has(asked.explain({"/Wrong/ap1g7", "--protocol", "http"}).out, "image-path"));
  CHECK(asked.explain({"../notes.txt"}).out.starts_with("miss ESCAPES_ROOT: "));
  CHECK(asked.explain({"../notes.txt", "--protocol", "sftp"}).status == 0);
}

TEST_CASE("a client that tftp.deny or tftp.allow keeps out gets nothing by TFTP and HTTP") {
  const Asked asked;
  asked.configure("tftp: {allow: [\"192.0.2.0/24\", \"2001:db8::/32\"], deny: [\"192.0.2.7\"]}\n");
  struct Row {
    const char *client, *protocol, *why;
  };
  for (const auto& [client, protocol, why] :
       {Row{"192.0.2.8", "tftp", nullptr}, Row{"2001:db8::1", "tftp", nullptr},
        Row{"192.0.2.7", "tftp", "dropped without an answer; its address is in tftp.deny"},
        Row{"::ffff:192.0.2.7", "tftp", "dropped without an answer; its address is in tftp.deny"},
        Row{"198.51.100.1", "tftp", "dropped without an answer; its address is not in tftp.allow"},
        Row{"192.0.2.7", "http", "refused; its address is in tftp.deny"},
        Row{"192.0.2.7", "sftp", nullptr}}) {
    const auto ran = asked.explain({ewc8, "--client", client, "--protocol", protocol});
    CHECK(ran.status == (why ? 1 : 0));
    CHECK(ran.out.starts_with(why ? std::string("miss NOT_FOUND: requests from ") + client + " are " + why
                                  : std::string("served ") + ewc8));
  }
  CHECK(asked.explain({ewc8}).status == 0);  // nobody in particular asks
}

TEST_CASE("what could be written is told, and nothing is made to find it out") {
  const Asked asked;
  CHECK(asked.explain({"/uploads/x", "--write"}).out.starts_with("miss WRITE_REFUSED: "));
  asked.configure("tftp: {uploads: true}\nlookup: {aliases: {\"/incoming\": \"/uploads\"}}\n");
  CHECK(asked.explain({"/uploads/x", "--write"}).out == "written /uploads/x (exact)\n");
  CHECK(asked.explain({"/incoming/x", "--write"}).out == "written /uploads/x (alias)\n");
  CHECK_FALSE(fs::exists(asked.depot.images() / "uploads"));
  asked.put("uploads/old");
  for (const auto* path : {"/uploads/old", "/uploads/none/x", "/x", "/EWC/17_9_4a/ap1g8"}) {
    CAPTURE(path);
    const auto ran = asked.explain({path, "--write"});
    CHECK(ran.status == 1);
    CHECK(ran.out.starts_with("miss WRITE_REFUSED: "));
  }
  CHECK(asked.explain({"/uploads/x", "--write", "--protocol", "sftp"}).status == 1);  // no user may upload
}

TEST_CASE("as JSON each question has the same members, and the very path that was asked") {
  const Asked asked;
  const auto served = asked.json({"/EWC/17.9.4a/ap1g8"});
  CHECK(served["served"].as<std::string>() == ewc8);
  CHECK(served["rule"].as<std::string>() == "version");
  for (const auto* key : {"cause", "nearest", "fix"}) {
    CHECK(served[key].IsDefined());
    CHECK(served[key].IsNull());
  }
  const auto missed = asked.json({"/Wrong/ap1g8"});
  CHECK(missed["cause"].as<std::string>() == "WRONG_DIRECTORY");
  CHECK(missed["nearest"].as<std::string>() == ewc8);
  CHECK(has(missed["fix"].as<std::string>(), "tftp-image-path /EWC/17_9_4a"));
  CHECK(missed["served"].IsNull());
  CHECK(asked.json({"C:\\x \xc3\xa9\a"})["path"].as<std::string>() == "C:\\x \xc3\xa9\a");
}

TEST_CASE("a hostile path reaches the terminal escaped") {
  const Asked asked;
  const auto ran = asked.explain({"/\x1b[2J\xe2\x80\xae/ap1g8"});
  CHECK(ran.status == 1);
  CHECK_FALSE(has(ran.out, "\x1b"));
  CHECK_FALSE(has(ran.out, "\xe2\x80\xae"));
  CHECK(has(ran.out, "\\x1b[2J\\u202e"));
}

TEST_CASE("wrong usage of explain is told before a depot is looked for") {
  struct Row {
    std::vector<std::string> words;
    const char* mistake;
  };
  for (const auto& [words, mistake] :
       {Row{{}, "PATH is missing"}, Row{{"a", "b"}, "unexpected argument b"},
        Row{{"a", "--protocol", "scp"}, "--protocol scp: it is tftp, sftp or http"},
        Row{{"a", "--protocol", ""}, "--protocol : it is tftp, sftp or http"},
        Row{{"a", "--protocol", "http", "--write"}, "--write: HTTP serves files, and takes none"},
        Row{{"a", "--client", "host"}, "--client host: it is an IPv4 or IPv6 address"},
        Row{{"a", "--client", "192.0.2.0/24"}, "--client 192.0.2.0/24: it is an IPv4 or IPv6 address"}}) {
    auto all = words;
    all.insert(all.end(), {"--depot", "/no/such/depot"});
    const auto ran = test::run(explain_command, all);
    CHECK(ran.status == 2);
    CHECK(ran.mistake == mistake);
  }
}
