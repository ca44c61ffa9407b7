"""Judging: what a hidden check is, the scenes that it plays, the student's process, and the judge who asks it.

What the author of a check needs can be imported from here.
"""

from autograder.judging.checks import Answer as Answer
from autograder.judging.checks import Array as Array
from autograder.judging.checks import Check as Check
from autograder.judging.checks import Exam as Exam
from autograder.judging.checks import Mistake as Mistake
from autograder.judging.checks import Refused as Refused
from autograder.judging.checks import Unreached as Unreached
from autograder.judging.checks import Value as Value
from autograder.judging.checks import check as check
from autograder.judging.checks import expect_close as expect_close
from autograder.judging.checks import needed as needed
from autograder.judging.draws import fitting_seed as fitting_seed
from autograder.judging.draws import generator as generator
from autograder.judging.scenes import Numbers as Numbers
from autograder.judging.scenes import Scene as Scene
from autograder.judging.scenes import Step as Step
from autograder.judging.scenes import Thing as Thing
from autograder.judging.scenes import array as array
from autograder.judging.scenes import call as call
from autograder.judging.scenes import expect_unmoved as expect_unmoved
from autograder.judging.scenes import help_with as help_with
from autograder.judging.scenes import leaf as leaf
from autograder.judging.scenes import moved as moved
from autograder.judging.scenes import sgd as sgd
from autograder.judging.scenes import tensor as tensor
from autograder.judging.scenes import thing as thing
from autograder.judging.scenes import variable as variable
from autograder.records import LearningCurve as LearningCurve
