#include "server/history/record_of.hpp"

#include <cmath>

#include "server/events/all.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/login_text.hpp"
#include "server/text/miss_text.hpp"

namespace server {
namespace {

using namespace event;
using storage::Record;
namespace record = storage::record;

struct Maker {
  const std::int64_t now;
  using Made = std::optional<Record>;

  Made operator()(const TransferEnded& e) const {
    record::Transfer transfer;
    transfer.started = now - std::llround(e.seconds * 1000);
    transfer.ended = now;
    transfer.client = escaped(e.client);
    transfer.protocol = word(e.protocol);
    transfer.user = escaped(e.user);
    transfer.file = escaped_path(e.name);
    transfer.upload = e.write;
    transfer.size = e.size;
    transfer.bytes = e.bytes;
    transfer.outcome = outcome_of(e);
    transfer.cause = word(e.how.cause);
    transfer.detail = escaped(e.how.text);
    if (e.tftp) transfer.resent = e.tftp->resent;
    return transfer;
  }
  Made operator()(const Missed& e) const {
    record::Miss miss;
    miss.last_at = miss.first_at = now;
    miss.client = escaped(e.client);
    miss.protocol = word(e.protocol);
    miss.cause = storage::cause_name(e.miss.cause);
    miss.asked = escaped(e.asked);
    miss.text = bounded_line(text_of(e.miss, e.protocol));
    return miss;
  }
  Made operator()(const LoggedIn& e) const { return login_of(e, "accepted"); }
  Made operator()(const LoginFailed& e) const { return login_of(e, word(e.fault)); }
  Made operator()(const WebLoggedIn& e) const { return login_of(e, "accepted"); }
  Made operator()(const WebLoginFailed& e) const { return login_of(e, word(e.fault)); }
  // In place of a method what they have not in common, and the client's offer.
  Made operator()(const SshMismatched& e) const {
    record::Login made;
    made.at = now;
    made.client = escaped(e.client);
    made.method = escaped(e.kind + ": " + e.theirs);
    made.outcome = e.legacy_helps ? needs_legacy : no_algorithm;
    return made;
  }
  Made operator()(const Published& e) const {
    return import_of(e.file, e.imported.already_there ? "already there" : "published", e.imported.path);
  }
  Made operator()(const ImportRejected& e) const { return import_of(e.file, "rejected", e.reason); }
  Made operator()(const ImportFailed& e) const { return import_of(e.file, "failed", e.reason); }
  Made operator()(const Retired& e) const { return import_of(e.path, "retired", e.moved_to); }
  Made operator()(const Acted& e) const {
    return record::Act{now, escaped(e.who), escaped(e.act), escaped(e.subject, most_of_ours),
                       escaped(e.outcome, most_of_ours)};
  }
  Made operator()(const auto&) const { return {}; }

  template <class Any>
  Made login_of(const Any& e, std::string_view outcome) const {
    record::Login made;
    made.at = now;
    made.client = escaped(e.client);
    made.user = escaped(e.user);
    made.method = escaped(e.method);
    made.outcome = outcome;
    return made;
  }
  Made import_of(const std::string& file, std::string_view outcome, const std::string& detail) const {
    record::Import made;
    made.at = now;
    made.file = escaped(file, most_of_ours);
    made.outcome = outcome;
    made.detail = escaped(detail, most_of_ours);
    return made;
  }
};

}  // namespace

std::optional<Record> record_of(const Event& event, std::int64_t now) { return event.visit(Maker{now}); }

}  // namespace server
