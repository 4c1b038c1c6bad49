# Variance components of repeated measurements by lme4: run
# `Rscript tests/reference/repeatability.R` from the root of the project. Writes
# tests/reference/repeatability.json, with the data.
#
# Pastes has samples of casks of batches, here photos of days of subjects; Dyestuff and
# Dyestuff2 samples of batches. Rows are left out by their number to unbalance them, and
# in "days by turns" the days are labels without an effect.

source(file.path("tests", "reference", "cohorts.R"))
suppressMessages(library(lme4))
library(numDeriv)

# The deviance is flat at its minimum, where optimisers stop 1e-6 away: Newton's steps by
# its derivatives go on from there, for standard deviations that are not 0.
polished <- function(formula, rows) {
  parsed <- lFormula(formula, rows, REML = TRUE)
  deviance <- do.call(mkLmerDevfun, parsed)
  theta <- optimizeLmer(deviance)$par
  theta[theta < 1e-4] <- 0
  free <- theta > 0
  at <- function(part) deviance(replace(theta, free, part))
  for (step in seq_len(6 * any(free))) {
    part <- theta[free]
    theta[free] <- part - solve(hessian(at, part), grad(at, part))
  }
  end <- list(par = theta, fval = deviance(theta), conv = 0)
  mkMerMod(environment(deviance), end, parsed$reTrms, fr = parsed$fr)
}

components <- function(name, data, subject, day, value) {
  rows <- data.frame(subject = subject, value = value)
  formula <- value ~ 1 + (1 | subject)
  if (!is.null(day)) {
    rows$day <- interaction(subject, day, drop = TRUE)
    formula <- value ~ 1 + (1 | day) + (1 | subject)
  }
  fit <- polished(formula, rows)
  variances <- as.data.frame(VarCorr(fit))
  of <- function(group) sum(variances$vcov[variances$grp == group])
  list(
    name = name, data = data, lme4 = as.character(packageVersion("lme4")),
    subject = as.integer(factor(subject)),
    day = if (is.null(day)) NULL else as.integer(factor(day)),
    value = value,
    theta = c(of("subject"), of("day"), of("Residual")),
    mean = unname(fixef(fit)), deviance = unname(REMLcrit(fit))
  )
}

pastes <- Pastes
row <- seq_len(nrow(pastes))
fewer <- row %% 7 != 3 & row %% 11 != 5 & row > 4
turns <- rep(c(1, 2, 3), length.out = nrow(pastes))
dyes <- Dyestuff
some <- seq_len(nrow(dyes)) %% 4 != 1

cases <- list(
  components("nested", "Pastes", pastes$batch, pastes$cask, pastes$strength),
  components("nested, unbalanced", "Pastes", pastes$batch[fewer],
             pastes$cask[fewer], pastes$strength[fewer]),
  components("days by turns", "Pastes", pastes$batch, turns, pastes$strength),
  components("one level", "Dyestuff", dyes$Batch, NULL, dyes$Yield),
  components("one level, unbalanced", "Dyestuff", dyes$Batch[some], NULL,
             dyes$Yield[some]),
  components("no variance between", "Dyestuff2", Dyestuff2$Batch, NULL,
             Dyestuff2$Yield)
)

write_reference("repeatability", cases)
