#pragma once
#include "server/api/query.hpp"
#include "server/api/recent_log.hpp"
#include "server/http/router.hpp"
#include "server/loop/net.hpp"

namespace server {

// GET /api/v1/log: docs/api.md. Of all that is kept an answer is composed in many turns. `log` outlives the
// loop's last turn.
void offer_log(http::Router& router, net::io_context& loop, const RecentLog& log);

// What its level and q ask for; a fault of the query's where that is not understood.
RecentLog::Filter filter_of(Query& query);

}  // namespace server
