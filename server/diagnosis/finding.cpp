#include "server/diagnosis/finding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>

#include "server/diagnosis/silence.hpp"
#include "server/events/protocol.hpp"
#include "server/files/explanation.hpp"
#include "server/os/host_text.hpp"
#include "server/text/controller_log.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"

namespace server {
namespace {

using storage::LogMessage;
using Kind = LogMessage::Kind;
using event::Protocol;

// How one failed download is looked at.
struct Case {
  const Here& here;
  const LogMessage& message;
  const std::string& speaker;  // escaped
  const std::optional<SeenHere>& seen;
  ImageUrl url;
  Protocol protocol;

  std::string host() const { return escaped(url.host); }
};

Finding well(std::string what) { return {std::move(what), {}, false}; }

bool says(const std::string& reason, std::string_view text) { return reason.find(text) != reason.npos; }

bool says_any(const std::string& reason, std::initializer_list<std::string_view> texts) {
  return std::ranges::any_of(texts, [&](auto text) { return says(reason, text); });
}

// What names this server: on a controller, or in an access point's URL.
std::string server_line(const Case& failed) {
  const auto& all = failed.here.addresses;
  const auto address = all.empty() ? "ADDRESS" : all.front();
  if (failed.protocol == Protocol::http) return fmt::format("{}://{}", escaped(failed.url.scheme), address);
  return fmt::format("{} {}", failed.protocol == Protocol::tftp ? "tftp-image-server" : "sftp-image-server",
                     address);
}

// What was asked for is seen here, whatever the address is called: behind NAT it is another one.
bool reaches_us(const Case& failed) {
  const auto& all = failed.here.addresses;
  if (all.empty() || std::ranges::find(all, failed.url.host) != all.end()) return true;
  return failed.seen && failed.seen->of_file && failed.seen->of_device &&
         failed.seen->of_file->client == failed.seen->of_device->client;
}

std::string this_server(const Case& failed) {
  constexpr std::ptrdiff_t most = 3;
  const auto& all = failed.here.addresses;
  return fmt::format("this server is {}",
                     fmt::join(all.begin(), all.begin() + std::min(std::ssize(all), most), ", "));
}

// What this depot serves for the name in the URL, or why it serves nothing.
Finding of_name(const Case& failed) {
  const auto answer =
      explain_read(failed.here.settings, failed.here.catalogue, failed.url.path, failed.protocol);
  if (!answer)
    return {text_of(answer.error(), failed.protocol), fix_of(answer.error(), failed.protocol), true};
  return well(fmt::format("{} is served here", escaped(answer->path.text())));
}

Finding of_silence(const Case& failed) {
  Finding found;
  if (!reaches_us(failed)) {
    found = {fmt::format("{} asks {}, and {}", failed.speaker, failed.host(), this_server(failed)),
             server_line(failed), true};
  } else {
    auto [what, fix] = silence_text(
        {failed.speaker, failed.host(), escaped(failed.message.url), failed.protocol, failed.seen});
    found = {std::move(what), std::move(fix), true};
  }
  // The name is asked for next, once it reaches us.
  if (const auto name = of_name(failed); name.bad)
    found.what += "; once it asks this server, it will fail again: " + name.what;
  return found;
}

// The controller's profile lacks the address: "tftp:///EWC/17_9_4a/ap1g8", or nothing but "tftp://".
Finding of_no_server(const Case& failed) {
  return {fmt::format("the URL names no server: {} asks nobody", failed.speaker), server_line(failed), true};
}

Finding of_login(const Case& failed) {
  const bool has_logins = failed.protocol != Protocol::tftp && failed.protocol != Protocol::http;
  if (!has_logins && says(failed.message.reason, "ermission denied")) {
    auto found = of_name(failed);
    if (!found.bad) found.what += " by now: start the download again";
    return found;
  }
  return {"the server did not let the user in, or not to that file",
          "`apdepot user list`, then `apdepot user passwd NAME`; the server's log names the cause of each "
          "failed login",
          true};
}

Finding of_wrong_name(const Case& failed) {
  auto found = of_name(failed);
  if (!reaches_us(failed)) {
    found.what = fmt::format("{} answered, and {}; here: {}", failed.host(), this_server(failed), found.what);
    if (found.fix.empty()) found.fix = server_line(failed);
  } else if (!found.bad) {
    found.what += " by now: start the download again";
  }
  return found;
}

// What no server is asked for.
Finding of_own_file(const LogMessage& message) {
  return {fmt::format("{}{}{}: the controller cannot install a file of its own", escaped(message.url),
                      message.reason.empty() ? "" : ", ", escaped(message.reason)),
          escaped(message.advice, most_of_ours), true};
}

Finding of_reason(const Case& failed) {
  const auto& reason = failed.message.reason;
  if (failed.url.host.empty()) return of_no_server(failed);
  if (says_any(reason, {"imed out", "imeout", "No route", "unreachable"})) return of_silence(failed);
  if (says(reason, "refused"))
    return {fmt::format("nothing listens on {} for {}", failed.host(), escaped(failed.url.scheme)),
            fmt::format("`apdepot status` tells where the server listens; `{}` why it does not run",
                        host::status),
            true};
  if (says_any(reason, {"ost key", "ostkey"}))
    return {
        "the controller knows another host key for this address",
        "`apdepot doctor --only host-keys` on the server; " + escaped(failed.message.advice, most_of_ours),
        true};
  if (says_any(reason, {"ermission denied", "uthentication", "ogin"})) return of_login(failed);
  if (says_any(reason, {"space", "Space"}))
    return {"the controller has no room for the image", escaped(failed.message.advice, most_of_ours), true};
  return of_wrong_name(failed);
}

Protocol protocol_of(const ImageUrl& url) {
  if (url.scheme == "https") return Protocol::http;
  return server::protocol_of(url.scheme).value_or(Protocol::sftp);
}

Finding of_failure(const Here& here, const LogMessage& message, const std::string& speaker,
                   const std::optional<SeenHere>& seen) {
  auto url = take_apart(message.url);
  if (url.scheme.empty()) return of_own_file(message);
  const auto protocol = protocol_of(url);
  auto found = of_reason({here, message, speaker, seen, std::move(url), protocol});
  found.bad = true;
  found.what = fmt::format("{}{}{}: {}", escaped(message.url), message.reason.empty() ? "" : ", ",
                           escaped(message.reason), found.what);
  return found;
}

// What an access point asked its controller for, and did not get.
std::string of_device(const Here& here, const std::optional<LogMessage>& asked) {
  if (!asked) return "an access point did not get its image, because its controller could not fetch it";
  auto what = fmt::format("an access point did not get {}, because its controller{}{} could not fetch it",
                          escaped(asked->image), asked->peer.empty() ? "" : " ", escaped(asked->peer));
  const auto answer = explain_read(here.settings, here.catalogue, asked->image, Protocol::tftp);
  what += answer ? fmt::format("; {} is served here", escaped(answer->path.text()))
                 : "; here: " + text_of(answer.error(), Protocol::tftp);
  return what;
}

std::string of_aborted(const LogMessage& message) {
  return fmt::format("an access point ended the download of {}{}",
                     message.image.empty() ? "its image" : escaped(message.image),
                     message.reason.empty() ? "" : fmt::format(" ({})", escaped(message.reason)));
}

// Where the vendor's advice is the fix.
std::string of_access_point(const Here& here, const LogMessage& message, const SaidBefore& before) {
  switch (message.kind) {
    case Kind::signature_bad:
      return "the image's signature was refused: the file is damaged, or not the vendor's";
    case Kind::certificate_over:
      return "the image was refused: the certificate that it is signed with is not valid any more, by the "
             "device's clock";
    case Kind::damaged:
      return fmt::format("the image that came cannot be unpacked: {}{}{}", escaped(message.reason),
                         message.url.empty() ? "" : ", ", escaped(message.url));
    case Kind::no_space:
      return fmt::format("the access point has too little room: {}", escaped(message.reason));
    case Kind::no_image:
      return fmt::format(
          "the controller has no image {}{}for an access point: its release is for other models",
          escaped(message.image), message.image.empty() ? "" : " ");
    case Kind::cannot_start:
      return of_device(here, before.asked);
    case Kind::device_failed:
      return "an access point did not get its image";
    default:
      return of_aborted(message);
  }
}

Finding of_gave_up(const Here& here, const LogMessage& message, const SaidBefore& before,
                   const std::string& speaker, const std::optional<SeenHere>& seen) {
  if (!before.started) return {of_aborted(message), escaped(message.advice, most_of_ours), true};
  auto failed = *before.started;
  failed.reason = "download failed";
  return of_failure(here, failed, speaker, seen);
}

}  // namespace

bool has_cause(Kind kind) {
  switch (kind) {
    case Kind::failed:
    case Kind::gave_up:
    case Kind::no_image:
    case Kind::no_space:
    case Kind::damaged:
    case Kind::signature_bad:
    case Kind::certificate_over:
    case Kind::cannot_start:
      return true;
    default:
      return false;
  }
}

void SaidBefore::note(const LogMessage& message) {
  switch (message.kind) {
    case Kind::device_asked:
      asked = message;
      return;
    case Kind::started:
      started = message;
      return;
    case Kind::completed:
    case Kind::device_succeeded:
    case Kind::signature_good:
      failed.reset();
      return;
    default:
      if (has_cause(message.kind)) failed = message.kind;
  }
}

bool SaidBefore::has_told(const LogMessage& message) const {
  switch (message.kind) {
    case Kind::device_failed:
    case Kind::aborted:
      return failed.has_value();
    case Kind::signature_bad:
      return failed == Kind::certificate_over;
    default:
      return false;
  }
}

std::optional<Finding> finding_of(const Here& here, const LogMessage& message, const SaidBefore& before,
                                  const std::string& speaker, const std::optional<SeenHere>& seen) {
  switch (message.kind) {
    case Kind::started:
      return well(fmt::format("{} begins to fetch {}", speaker, escaped(message.url)));
    case Kind::completed:
      return well(fmt::format("the controller has {}", escaped(message.url)));
    case Kind::failed:
      return of_failure(here, message, speaker, seen);
    case Kind::gave_up:
      return of_gave_up(here, message, before, speaker, seen);
    case Kind::device_succeeded:
      return well("an access point has its image");
    case Kind::signature_good:
      return well("the access point found the image's signature good");
    case Kind::device_asked:
      return {};
    default:
      return Finding{of_access_point(here, message, before), escaped(message.advice, most_of_ours), true};
  }
}

}  // namespace server
