#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/families.hpp"
#include "conf/load.hpp"
#include "server/api/explanation.hpp"
#include "server/commands/command.hpp"
#include "server/events/protocol.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--client", "ADDR", "who asks: tftp.allow and tftp.deny are heeded"},
                       {"--protocol", "tftp|sftp|http", "how it asks, tftp unless told"},
                       {"--write", "", "whether PATH could be written, rather than read"},
                       {"--json", "", "print JSON"}};

using event::Protocol;
using storage::AboveRoot;
using storage::Miss;

std::optional<net::ip::address> client_of(const Arguments& arguments) {
  const auto client = arguments.value("--client");
  if (!client) return {};
  error_code error;
  auto address = net::ip::make_address(*client, error);
  if (error) throw UsageError(fmt::format("--client {}: it is an IPv4 or IPv6 address", *client));
  return address;
}

void print_models(std::string_view image) {
  const auto all = conf::families();
  const auto family = std::ranges::find(all, image, &conf::Family::name);
  if (family != all.end()) fmt::print("{} is for {}\n", image, family->text());
}

void print(const Question& question, const Explanation& answer) {
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

int run(Arguments& arguments) {
  auto path = arguments.take_word("PATH");
  arguments.expect_no_more();
  const auto protocol = arguments.value("--protocol").value_or("tftp");
  if (protocol != "tftp" && protocol != "sftp" && protocol != "http")
    throw UsageError(fmt::format("--protocol {}: it is tftp, sftp or http", protocol));
  if (protocol == "http" && arguments.has("--write"))
    throw UsageError("--write: HTTP serves files, and takes none");
  const auto client = client_of(arguments);
  const auto settings = load_settings(arguments).settings;
  act_as_service(settings);  // what root may read says nothing
  const auto depot = storage::Depot::existing(settings.depot);
  storage::LiveCatalogue catalogue(depot);
  const Question question{settings,        catalogue,
                          std::move(path), protocol_of(protocol).value_or(Protocol::tftp),
                          client,          arguments.has("--write")};
  const auto answer = explain(question);
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
