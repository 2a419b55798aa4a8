#include "server/api/questions.hpp"

#include <fmt/format.h>

#include <utility>

#include "conf/print.hpp"
#include "server/api/controller_lines.hpp"
#include "server/api/explanation.hpp"
#include "server/api/inventory.hpp"
#include "server/api/query.hpp"
#include "server/events/protocol.hpp"
#include "server/files/library.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

using http::Reply;
using http::Role;

std::string without_end(std::string text) {
  text.resize(text.find_last_not_of('\n') + 1);
  return text;
}

}  // namespace

void QuestionsApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"GET", "/api/v1/explain", Role::viewer, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                explain(request, std::move(respond));
              }});
  router.add({"GET", "/api/v1/controller-lines", Role::viewer, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                lines(request, std::move(respond));
              }});
  router.add({"GET", "/api/v1/config", Role::admin, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                config(request, std::move(respond));
              }});
}

void QuestionsApi::explain(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"path", "protocol", "client", "write"});
  const auto path = query.text("path");
  if (!path) query.refuse("path is missing: the name that a device asks for");
  const auto protocol = query.choice("protocol", {"tftp", "sftp", "http"});
  const bool write = query.flag("write");
  if (write && protocol == "http") query.refuse("write=1: HTTP serves files, and takes none");
  std::optional<net::ip::address> client;
  if (const auto text = query.text("client")) {
    error_code error;
    client = net::ip::make_address(*text, error);
    if (error) query.refuse(fmt::format("client={}: it is an IPv4 or IPv6 address", escaped(*text)));
  }
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  desk_.answer(asker_of(request), std::move(respond),
               [settings = sources_.settings.now(), &library = sources_.library, path = *path, protocol,
                client, write] {
                 const Question question{*settings, library.catalogue,
                                         path,      protocol_of(protocol).value_or(event::Protocol::tftp),
                                         client,    write};
                 return Reply{.body = to_json(question, server::explain(question)) + "\n"};
               });
}

void QuestionsApi::lines(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"release", "mode", "address"});
  const auto release = query.text("release");
  if (!release) query.refuse("release is missing: its path, or any spelling of its version");
  const auto mode = query.choice("mode", {"tftp", "sftp", "http"});
  const auto address = query.text("address");
  if (address && !kept_address(*address))
    query.refuse(fmt::format("address={}: it is an IPv4 or IPv6 address", escaped(*address)));
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  desk_.answer(
      asker_of(request), std::move(respond),
      [settings = sources_.settings.now(), &depot = sources_.library.depot, release = *release, mode,
       address] {
        try {
          return Reply{.body = to_json(controller_lines(*settings, depot, release, mode, address)) + "\n"};
        } catch (const std::runtime_error& e) {
          return http::problem(404, "not found", e.what(), "GET /api/v1/releases lists them");
        }
      });
}

void QuestionsApi::config(const http::Request& request, http::Respond respond) {
  desk_.answer(asker_of(request), std::move(respond),
               [settings = sources_.settings.now(), file = sources_.config] {
                 JsonObject object;
                 object.add_raw("file", file.empty() ? "null" : json_text(file));
                 object.add_raw("settings", without_end(conf::to_json(*settings)));
                 return Reply{.body = object.text() + "\n"};
               });
}

}  // namespace server
