// Pieces of learning-rate schedules: a description of each, then its value t steps after it began; their list.
#pragma once

#include "../base/list.hpp"
#include "../math/cosine.hpp"
#include "../math/exp.hpp"
#include "../math/log.hpp"
#include "rules/parts.hpp"

SIMDNN_LEVEL_BEGIN

struct ConstantPiece {
  static constexpr ScheduleDescription info{
      .name = "constant", .formula = "lr", .source = "by definition", .values = {{"lr"}}};
  static double value(const double* v, double) { return v[0]; }
};

struct StepPiece {
  static constexpr ScheduleDescription info{.name = "step",
                                            .formula = "lr gamma^floor(t / step_size)",
                                            .source = "PyTorch 2.13, lr_scheduler.StepLR",
                                            .values = {{"lr"}, {"step_size", 1, kUnbounded, true}, {"gamma"}}};
  static double value(const double* v, double t) { return v[0] * power(v[2], std::int64_t(t / v[1])); }
};

struct ExponentialPiece {
  static constexpr ScheduleDescription info{.name = "exponential",
                                            .formula = "lr gamma^t",
                                            .source = "PyTorch 2.13, lr_scheduler.ExponentialLR",
                                            .values = {{"lr"}, {"gamma"}}};
  static double value(const double* v, double t) { return v[0] * power(v[1], std::int64_t(t)); }
};

struct InverseScalingPiece {
  static constexpr ScheduleDescription info{.name = "inverse_scaling",
                                            .formula = "lr / (1 + t)^power",
                                            .source = "Robbins & Monro 1951; scikit-learn's \"invscaling\"",
                                            .values = {{"lr"}, {"power"}}};
  static double value(const double* v, double t) { return v[0] * exp(-v[1] * log1p(t)); }
};

struct LinearPiece {
  static constexpr ScheduleDescription info{.name = "linear",
                                            .formula = "start + (end - start) min(t / steps, 1)",
                                            .source = "PyTorch 2.13, lr_scheduler.LinearLR",
                                            .values = {{"start"}, {"end"}, {"steps"}}};
  static double value(const double* v, double t) { return t < v[2] ? fma(v[1] - v[0], t / v[2], v[0]) : v[1]; }
};

struct CosinePiece {
  static constexpr ScheduleDescription info{
      .name = "cosine",
      .formula = "end + (start - end) (1 + cos(pi min(t / steps, 1))) / 2",
      .source = "Loshchilov & Hutter 2017, SGDR, eq. 5, held at its end as in Keras",
      .values = {{"start"}, {"end"}, {"steps"}}};
  static double value(const double* v, double t) {
    if (t >= v[2]) return v[1];
    return t > 0 ? fma(0.5 * (v[0] - v[1]), 1 + cos_pi(t / v[2]), v[1]) : v[0];
  }
};

struct InversePowerPiece {
  static constexpr ScheduleDescription info{
      .name = "inverse_power",
      .formula = "max(minimum, lr (1 + gamma t)^-power)",
      .source = "Jia et al. 2014, arXiv:1408.5093 (Caffe, learning-rate policy \"inv\"), held at a minimum",
      .values = {{"lr"}, {"gamma"}, {"power", 0, 100, true}, {"minimum"}}};
  static double value(const double* v, double t) {
    double found = v[0];
    for (int i = 0; i < int(v[2]); ++i) found /= 1 + v[1] * t;
    return v[3] < found ? found : v[3];
  }
};

struct CosLog4Piece {
  static constexpr ScheduleDescription info{
      .name = "coslog4",
      .formula = "lr (1 - cos(2 pi log2(1 + 15 min(t / steps, 1)))) / 2",
      .source = "Holzmueller, Grinsztajn & Steinwart 2024, arXiv:2407.04491, section 3",
      .values = {{"lr"}, {"steps"}}};
  static double value(const double* v, double t) {
    if (t >= v[1]) return 0;
    const double cycles = log1p(15 * (t / v[1])) * 0x1.71547652b82fep0;   // log2, which ends at 4
    const double from_top = cycles - double(std::int64_t(cycles)) - 0.5;  // in turns
    const double root = cos_pi(from_top < 0 ? -from_top : from_top);      // (1 - cos 2x) / 2 = sin^2 x
    return v[0] * (root * root);
  }
};

using Schedules = List<ConstantPiece, StepPiece, ExponentialPiece, InverseScalingPiece, LinearPiece, CosinePiece,
                       InversePowerPiece, CosLog4Piece>;

using ScheduleFunction = double (*)(const double* values, double t);
constexpr auto kScheduleTable =
    table_of<const ScheduleDescription*>(Schedules{}, []<class Piece>(List<Piece>) { return &Piece::info; });
constexpr auto kScheduleFunctions =
    table_of<ScheduleFunction>(Schedules{}, []<class Piece>(List<Piece>) { return ScheduleFunction(Piece::value); });

/// Learning rate of a step, counted from 0, by the last piece that has begun.
inline double schedule(const SchedulePiece* pieces, int count, double step) {
  int last = count - 1;
  while (last > 0 && step < pieces[last].begin) --last;
  const SchedulePiece& piece = pieces[last];
  return kScheduleFunctions.entries[piece.kind](piece.values, step > piece.begin ? step - piece.begin : 0);
}

SIMDNN_LEVEL_END
