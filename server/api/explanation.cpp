#include "server/api/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/settings.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "server/events/protocol.hpp"
#include "server/files/upload_rules.hpp"
#include "server/loop/networks.hpp"
#include "server/text/json.hpp"
#include "server/text/miss_text.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/explain.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {
namespace {

using Answer = Explanation;
using event::Protocol;
using storage::Miss;

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
  return if_new(question.catalogue.depot(), *place);
}

bool somebody_may_upload(const Question& question) {
  auto users = question.settings.ssh.users;
  for (auto& user : conf::load_usable_users(users_file(question.settings, question.catalogue.depot())).users)
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
  return if_new(question.catalogue.depot(), *place);
}

// The sentence about a client that gets nothing by TFTP or HTTP, whatever it asks for.
std::string denied(const Question& question) {
  const bool by_address = question.protocol == Protocol::tftp || question.protocol == Protocol::http;
  if (!question.client || !by_address) return "";
  const auto address = plain(*question.client);
  const auto &allow = question.settings.tftp.allow, &deny = question.settings.tftp.deny;
  if (is_in(address, deny)) return "its address is in tftp.deny";
  if (!allow.empty() && !is_in(address, allow)) return "its address is not in tftp.allow";
  return "";
}

std::string json_or_null(const std::optional<std::string>& text) { return text ? json_text(*text) : "null"; }

}  // namespace

Explanation explain(const Question& question) {
  if (auto why = denied(question); !why.empty()) {
    const auto error = std::make_error_code(std::errc::permission_denied);
    const auto what =
        fmt::format("requests from {} are {}", question.client->to_string(),
                    question.protocol == Protocol::http ? "refused" : "dropped without an answer");
    return std::unexpected(Miss{storage::Cause::not_found, what, std::move(why), {}, error});
  }
  if (!question.write)
    return explain_read(question.settings, question.catalogue, question.path, question.protocol);
  return question.protocol == Protocol::tftp ? explain_tftp_write(question) : explain_sftp_write(question);
}

std::string to_json(const Question& question, const Explanation& answer) {
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

}  // namespace server
