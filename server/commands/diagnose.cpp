#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "server/api/explanation.hpp"
#include "server/commands/command.hpp"
#include "server/commands/text_input.hpp"
#include "server/os/addresses.hpp"
#include "server/text/controller_log.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "server/text/miss_text.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--address", "ADDR", "this server's address as devices know it; repeatable"},
                       {"--json", "", "print JSON"}};

using Kind = ControllerMessage::Kind;
using event::Protocol;

// One message: what it means for this server, and what to do about it. All texts are escaped.
struct Finding {
  std::string when, what, fix;
  bool bad = true;
};

struct Here {
  const conf::Settings& settings;
  const storage::Depot& depot;
  std::vector<std::string> addresses;

  bool is(const std::string& host) const { return std::ranges::find(addresses, host) != addresses.end(); }
};

bool says(const std::string& reason, std::string_view text) { return reason.find(text) != reason.npos; }

std::string server_key(Protocol protocol) {
  return protocol == Protocol::tftp ? "tftp-image-server" : "sftp-image-server";
}

// What this depot serves for the name in the URL, or why it serves nothing.
Finding of_name(const Here& here, const ImageUrl& url, Protocol protocol) {
  const auto answer = explain_read(here.settings, here.depot, url.path, protocol);
  if (!answer) return {{}, text_of(answer.error(), protocol), fix_of(answer.error(), protocol)};
  return {{}, fmt::format("{} is served here", escaped(answer->path.text())), {}, false};
}

Finding of_silence(const Here& here, const ImageUrl& url, Protocol protocol) {
  const auto host = escaped(url.host);
  if (!here.is(url.host) && !here.addresses.empty())
    return {{},
            fmt::format("it asks {}, and this server is {}", host, fmt::join(here.addresses, ", ")),
            fmt::format("{} {}", server_key(protocol), here.addresses.front())};
  const bool tftp = protocol == Protocol::tftp;
  return {
      {},
      fmt::format("nothing came back from {}: a firewall between the controller and the server, or the "
                  "server does not "
                  "run",
                  host),
      tftp
          ? "`apdepot status` tells whether it runs. Where its log has the RRQ, a firewall stops its answer: "
            "tftp.single_port: true, or tftp.port_range; where it has none, one stops UDP 69"
          : "`apdepot status` tells whether it runs. Where its log has no connection, a firewall stops TCP "
            "22"};
}

Finding of_failure(const Here& here, const ControllerMessage& message) {
  const auto url = take_apart(message.url);
  const auto protocol = url.scheme == "tftp" ? Protocol::tftp : Protocol::sftp;
  Finding found;
  const auto& reason = message.reason;
  if (says(reason, "Timed out") || says(reason, "timed out") || says(reason, "No route")) {
    found = of_silence(here, url, protocol);
    // The name is asked for next, once it reaches us.
    if (const auto name = of_name(here, url, protocol); name.bad) {
      found.what += "; then it will fail again: " + name.what;
    }
  } else if (says(reason, "refused")) {
    found = {
        {},
        fmt::format("nothing listens on {} for {}", escaped(url.host), escaped(url.scheme)),
        "`apdepot status` tells where the server listens; `systemctl status apdepot` why it does not run"};
  } else if (says(reason, "ermission denied") || says(reason, "uthentication") || says(reason, "ogin")) {
    found = {{},
             "the server did not let the user in, or not to that file",
             "`apdepot user list`, then `apdepot user passwd NAME`; the server's log names the cause of each "
             "failed login"};
  } else if (!here.addresses.empty() && !here.is(url.host)) {
    found = of_name(here, url, protocol);
    found.what = fmt::format("{} answered, and this server is {}; here: {}", escaped(url.host),
                             fmt::join(here.addresses, ", "), found.what);
    if (found.fix.empty()) found.fix = fmt::format("{} {}", server_key(protocol), here.addresses.front());
  } else {
    found = of_name(here, url, protocol);
    if (!found.bad) found.what += " by now: start the download again";
  }
  found.bad = true;
  found.what = fmt::format("{}{}{}: {}", escaped(message.url), reason.empty() ? "" : ", ", escaped(reason),
                           found.what);
  return found;
}

// An access point did not get what it asked its controller for.
Finding of_device(const Here& here, const std::optional<ControllerMessage>& asked) {
  constexpr auto fix =
      "the controller's own log has the reason: %INSTALL-3-OPERATION_ERROR_MESSAGE in `show logging`";
  if (!asked)
    return {{}, "an access point did not get its image, because its controller could not fetch it", fix};
  auto what = fmt::format("an access point did not get {}, because its controller {} could not fetch it",
                          escaped(asked->image), escaped(asked->peer));
  const auto here_too = explain_read(here.settings, here.depot, asked->image, Protocol::tftp);
  what += here_too ? fmt::format("; {} is served here", escaped(here_too->path.text()))
                   : "; here: " + text_of(here_too.error(), Protocol::tftp);
  return {{}, std::move(what), fix};
}

// `asked` is what an access point asked for last.
std::optional<Finding> finding_of(const Here& here, const ControllerMessage& message,
                                  const std::optional<ControllerMessage>& asked) {
  switch (message.kind) {
    case Kind::failed:
      return of_failure(here, message);
    case Kind::completed:
      return Finding{{}, fmt::format("the controller has {}", escaped(message.url)), {}, false};
    case Kind::device_succeeded:
      return Finding{{}, "an access point has its image", {}, false};
    case Kind::signature_good:
      return Finding{{}, "the access point found the image's signature good", {}, false};
    case Kind::signature_bad:
      return Finding{{},
                     "the access point refused the image's signature: the file is damaged, or not Cisco's",
                     "`apdepot verify` compares each file with what was imported"};
    case Kind::no_space:
      return Finding{{},
                     fmt::format("the access point has too little room: {}", escaped(message.reason)),
                     "reload the access point, which empties /tmp, and try again"};
    case Kind::cannot_start:
      return of_device(here, asked);
    case Kind::device_failed:
      return Finding{{},
                     "an access point did not get its image",
                     "the reason stands in the next %INSTALL-3-OPERATION_ERROR_MESSAGE"};
    case Kind::device_asked:
      break;  // told with what became of it
  }
  return {};
}

std::vector<std::string> addresses_of(const Arguments& arguments) {
  auto named = arguments.values("--address");
  if (!named.empty()) return named;
  for (const auto& address : own_addresses()) named.push_back(address.to_string());
  return named;
}

void print(const Finding& found) {
  fmt::print("{}{}{}\n", found.when, found.when.empty() ? "" : ": ", found.what);
  if (found.what.find(found.fix) == found.what.npos) fmt::print("  {}\n", found.fix);
}

std::string to_json(const Finding& found) {
  JsonObject object;
  object.add_safe("when", found.when);
  object.add("bad", found.bad);
  object.add_safe("what", found.what);
  object.add_safe("fix", found.fix);
  return object.text();
}

int run(Arguments& arguments) {
  const auto name = arguments.take_word("FILE");
  arguments.expect_no_more();
  const auto text = read_text(name);
  const auto settings = load_settings(arguments).settings;
  act_as_service(candidates(settings));
  const auto depot = storage::Depot::existing(settings.depot);
  const Here here{settings, depot, addresses_of(arguments)};
  const auto messages = read_controller_log(text);
  std::string list;
  bool bad = false;
  std::optional<ControllerMessage> asked;
  for (const auto& message : messages) {
    if (message.kind == Kind::device_asked) asked = message;
    auto found = finding_of(here, message, asked);
    if (!found) continue;
    found->when = escaped(message.when);
    bad |= found->bad;
    list.append(list.empty() ? "" : ",\n ").append(to_json(*found));
    if (!arguments.has("--json")) print(*found);
  }
  if (arguments.has("--json")) fmt::print("[{}]\n", list);
  if (messages.empty())
    fmt::print(stderr,
               "no line of {} is about images: `show logging` on the controller has those that are, such as "
               "%INSTALL-3-OPERATION_ERROR_MESSAGE\n",
               name == "-" ? "the input" : escaped(name, whole));
  return bad || messages.empty() ? 1 : 0;
}

}  // namespace

const Command diagnose_command{"diagnose", "FILE|-",
                               "says what a controller's or an access point's log means for this server",
                               flags, run};

}  // namespace server
