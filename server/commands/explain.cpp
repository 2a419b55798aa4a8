#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/families.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/commands/command.hpp"
#include "server/files/explanation.hpp"
#include "server/files/upload_rules.hpp"
#include "server/loop/networks.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "server/text/miss_text.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/explain.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--client", "ADDR", "who asks: tftp.allow and tftp.deny are heeded"},
                       {"--protocol", "tftp|sftp", "how it asks, tftp unless told"},
                       {"--write", "", "whether PATH could be written, rather than read"},
                       {"--json", "", "print JSON"}};

using event::Protocol;
using storage::AboveRoot;
using storage::Miss;

struct Question {
  const conf::Settings& settings;
  const storage::Depot& depot;
  std::string path;
  Protocol protocol;
  std::optional<net::ip::address> client;
  bool write;
};

using Answer = Explanation;

// Nothing is made to find it out; the folder uploads/ itself would be.
std::error_code why_not_new(const storage::Depot& depot, const storage::Path& path) {
  const storage::Root root(depot.images());
  if (root.attributes(path, storage::Links::keep)) return std::make_error_code(std::errc::file_exists);
  if (path.parent().components().size() < 2) return {};
  const auto folder = root.attributes(path.parent());
  if (!folder) return folder.error();
  if (folder->kind == storage::Kind::directory) return {};
  return std::make_error_code(std::errc::not_a_directory);
}

Answer if_new(const storage::Depot& depot, const UploadPlace& place) {
  const auto path = named(place.path);
  if (const auto error = why_not_new(depot, path)) return std::unexpected(explain_unwritten(path, error));
  return Served{path, place.rule};
}

Answer explain_tftp_write(const Question& question) {
  const auto place = tftp_upload_place(question.settings, question.path);
  if (!place) return std::unexpected(place.error());
  return if_new(question.depot, *place);
}

bool somebody_may_upload(const Question& question) {
  auto users = question.settings.ssh.users;
  for (auto& user : conf::load_usable_users(users_file(question.settings, question.depot)).users)
    users.push_back(std::move(user));
  return std::ranges::any_of(users, &conf::User::uploads);
}

Answer explain_sftp_write(const Question& question) {
  const auto path = storage::Path::parse(question.path);
  if (!path) return std::unexpected(storage::explain_miss(question.path, path.error()));
  if (!somebody_may_upload(question)) {
    return std::unexpected(upload_refusal("no user may upload", "uploads: true for a user allows it",
                                          std::errc::permission_denied));
  }
  const auto place = upload_place(*path, question.settings.lookup.aliases);
  if (!place || place->path.is_root()) {
    return std::unexpected(explain_unwritten(*path, std::make_error_code(std::errc::permission_denied)));
  }
  return if_new(question.depot, *place);
}

std::optional<net::ip::address> client_of(const Arguments& arguments) {
  const auto client = arguments.value("--client");
  if (!client) return {};
  error_code error;
  auto address = net::ip::make_address(*client, error);
  if (error) throw UsageError(fmt::format("--client {}: it is an IPv4 or IPv6 address", *client));
  return address;
}

// The sentence about a client that TFTP does not answer at all.
std::string dropped(const Question& question) {
  if (!question.client || question.protocol != Protocol::tftp) return "";
  const auto address = plain(*question.client);
  const auto &allow = question.settings.tftp.allow, &deny = question.settings.tftp.deny;
  if (is_in(address, deny)) return "its address is in tftp.deny";
  if (!allow.empty() && !is_in(address, allow)) return "its address is not in tftp.allow";
  return "";
}

std::string json_or_null(const std::optional<std::string>& text) { return text ? json_text(*text) : "null"; }

std::string to_json(const Question& question, const Answer& answer) {
  std::optional<std::string> served, rule, cause, nearest, fix;
  if (answer) {
    served = answer->path.text();
    rule = rule_name(answer->rule);
  } else {
    cause = cause_name(answer.error().cause);
    if (const auto& near = answer.error().nearest) nearest = near->text();
    if (auto text = fix_of(answer.error(), question.protocol); !text.empty()) fix = std::move(text);
  }
  JsonObject object;
  object.add_raw("path", json_text(question.path));
  object.add_raw("served", json_or_null(served));
  object.add_raw("rule", json_or_null(rule));
  object.add_raw("cause", json_or_null(cause));
  object.add_raw("nearest", json_or_null(nearest));
  object.add_raw("fix", fix ? json_string(*fix) : "null");
  return object.text();
}

void print_models(std::string_view image) {
  const auto all = conf::families();
  const auto family = std::ranges::find(all, image, &conf::Family::name);
  if (family != all.end()) fmt::print("{} is for {}\n", image, family->text());
}

void print(const Question& question, const Answer& answer) {
  if (answer) {
    fmt::print("{} {} ({})\n", question.write ? "written" : "served", escaped(answer->path.text(), whole),
               rule_name(answer->rule));
    return print_models(answer->path.name());
  }
  const auto& miss = answer.error();
  fmt::print("miss {}: {}\n", cause_name(miss.cause), text_of(miss, question.protocol));
  const auto asked = storage::read_name(question.path, AboveRoot::stays);
  print_models(miss.nearest ? miss.nearest->name() : asked ? asked->path.name() : "");
}

Answer answer_to(const Question& question) {
  if (auto why = dropped(question); !why.empty()) {
    const auto error = std::make_error_code(std::errc::permission_denied);
    const auto what =
        fmt::format("requests from {} are dropped without an answer", question.client->to_string());
    return std::unexpected(Miss{storage::Cause::not_found, what, std::move(why), {}, error});
  }
  if (!question.write)
    return explain_read(question.settings, question.depot, question.path, question.protocol);
  return question.protocol == Protocol::tftp ? explain_tftp_write(question) : explain_sftp_write(question);
}

int run(Arguments& arguments) {
  auto path = arguments.take_word("PATH");
  arguments.expect_no_more();
  const auto protocol = arguments.value("--protocol").value_or("tftp");
  if (protocol != "tftp" && protocol != "sftp")
    throw UsageError(fmt::format("--protocol {}: it is tftp or sftp", protocol));
  const auto client = client_of(arguments);
  const auto settings = load_settings(arguments).settings;
  act_as_service(candidates(settings));  // what root may read says nothing
  const auto depot = storage::Depot::existing(settings.depot);
  const Question question{settings,        depot,
                          std::move(path), protocol == "tftp" ? Protocol::tftp : Protocol::sftp,
                          client,          arguments.has("--write")};
  const auto answer = answer_to(question);
  if (arguments.has("--json")) {
    fmt::print("{}\n", to_json(question, answer));
  } else {
    print(question, answer);
  }
  return answer ? 0 : 1;
}

}  // namespace

const Command explain_command{"explain", "PATH",
                              "says what a device asking for PATH would get, or why nothing", flags, run};

}  // namespace server
