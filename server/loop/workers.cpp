#include "server/loop/workers.hpp"

#include <utility>

namespace server {
namespace {

template <class Where, class Job, class Next>
void hand_over(Where& where, std::unique_ptr<Job> job, Next next) {
  const auto allocator = job->memory.allocator();
  net::post(where,
            net::bind_allocator(allocator, [job = std::move(job), next]() mutable { next(std::move(job)); }));
}

}  // namespace

void Workers::begin(std::unique_ptr<Job> job) {
  auto& workers = job->workers;
  workers.thread_.expect();
  hand_over(workers.pool_, std::move(job), [](std::unique_ptr<Job> begun) {
    begun->perform();
    auto& loop = begun->workers.loop_;
    hand_over(loop, std::move(begun), [](std::unique_ptr<Job> done) {
      --done->workers.busy_;
      done->tell();
    });
  });
  ++workers.busy_;
}

}  // namespace server
